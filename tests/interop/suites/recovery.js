// Clients whose lines are cut: what they hear is what was said, each once and in order, or they are told that they
// come as new ones. CUTS is how often each line is, SEED where chance begins.

import assert from "node:assert/strict";

import { dial, open, TRANSPORTS, value } from "../lib/socketio.js";
import { brittle, chance } from "../lib/brittle.js";
import { sleep, test, until } from "../lib/kit.js";

const CUTS = Number(process.env.CUTS ?? 10);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const VERSIONS = (process.env.CLIENTS ?? "4.6,4.7,4.8").split(",");
/** For each cut, on a machine that has other things to do. */
const PATIENCE = 20_000;
/** What an attempt may take whose line is cut without its client hearing of it. */
const ATTEMPT = 2_000;

/** A client on a line of its own, and what is wrong with what it hears. */
class Listener {
  faults = [];
  figures = { recovered: 0, anew: 0 };
  /** The number of the event that it has heard last, whoever it was. */
  newest = -1;
  #id;
  /** Whether it is in the room. */
  #joined = false;
  /** What is to come behind the last one, if that must come. */
  #next;

  /** `unsure`: numbers of events of which nobody knows whether they were said. */
  constructor(t, wire, name, unsure, options) {
    this.wire = wire;
    this.unsure = unsure;
    this.name = name;
    this.socket = dial(t, "/", { url: wire.url, ...options });
    this.socket.on("connect", () => this.#entered());
    this.socket.on("n", (n, ...rest) => this.#hears(n, rest));
  }

  #entered() {
    const back = this.socket.id === this.#id;
    if (back !== this.socket.recovered) this.faults.push(`${this.#id} is ${this.socket.id}, recovered: ${this.socket.recovered}`);
    if (this.#id !== undefined) this.figures[back ? "recovered" : "anew"]++;
    this.#id = this.socket.id;
    if (!back) [this.#joined, this.#next] = [false, undefined];
    // The line may have been cut before the answer, too.
    if (!this.#joined) this.socket.emit("join", "room", () => (this.#joined = this.socket.id === this.#id));
  }

  #hears(n, rest) {
    if (n <= this.newest) this.faults.push(`${n} after ${this.newest}`);
    else while (this.#next < n && this.unsure.has(this.#next)) this.#next++;
    if (this.#next !== undefined && n > this.#next) this.faults.push(`${n} where ${this.#next} comes`);
    if (n % 7 === 0 && !(Buffer.isBuffer(rest[0]) && rest[0].length === n % 50)) this.faults.push(`${n} without its bytes`);
    this.newest = n;
    if (this.#joined) this.#next = n + 1;
    // Something is on its way to the server as well.
    if (n % 5 === 0) this.socket.emit("join", "room");
  }

  /**
   * Cuts its line, until it hears of that: between two requests, or beside a probe, there is nothing to cut. Gives
   * its figures before.
   */
  async breaks() {
    await until(`${this.name} to be there`, () => this.socket.connected, PATIENCE);
    const before = { ...this.figures };
    let broken = false;
    this.socket.once("disconnect", () => (broken = true));
    await until(`${this.name} to hear of a cut`, () => broken || void this.wire.snap(), PATIENCE);
    return before;
  }

  get done() {
    return this.wire.cuts >= CUTS;
  }
}

test("each event is heard once and in order, however often the lines are cut", { limit: 60_000 + CUTS * PATIENCE }, async (t) => {
  const draw = chance(SEED);
  const speaker = await open(t);
  const unsure = new Set();
  const listeners = [];
  for (const version of VERSIONS) {
    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      const wire = await brittle(t, t.server.port, draw);
      listeners.push(new Listener(t, wire, `${version} ${name}`, unsure, { version, transports, timeout: ATTEMPT }));
    }
  }
  let n = 0;
  const say = () => {
    const args = n % 7 === 0 ? [n, Buffer.alloc(n % 50)] : [n, "x".repeat(draw(80))];
    // To all, or to a room: one order.
    const rooms = draw(2) ? "room" : undefined;
    const said = n++;
    // Its own line may be cut, where this process stands still for as long as a heartbeat.
    return value(speaker, "send", { via: "server", event: "n", rooms, args }).catch(() => unsure.add(said));
  };
  while (!listeners.every((it) => it.done)) {
    await say();
    for (const it of listeners) if (it.done) it.wire.mend();
    // What is missed between two lives of a line must fit into one.
    await sleep(draw(8));
  }
  for (const it of listeners) it.wire.mend();
  // Who has not heard of the last cut yet is waited for.
  const settled = () =>
    until(
      `${listeners.filter((it) => it.newest !== n - 1).map((it) => it.name)} to hear ${n - 1}`,
      async () => {
        await say();
        await sleep(50);
        return listeners.every((it) => it.newest === n - 1);
      },
      PATIENCE,
    );
  await settled();
  // Once more, where nothing is on its way: all come back as who they were.
  const before = await Promise.all(listeners.map((it) => it.breaks()));
  await say();
  await settled();
  for (const it of listeners) console.log(JSON.stringify({ client: it.name, cuts: it.wire.cuts, ...it.figures }));
  console.log(JSON.stringify({ seed: SEED, events: n }));
  for (const [at, it] of listeners.entries()) {
    assert.deepEqual(it.faults, [], it.name);
    const { recovered, anew } = before[at];
    assert.deepEqual(it.figures, { recovered: recovered + 1, anew }, `${it.name} comes back`);
  }
});
