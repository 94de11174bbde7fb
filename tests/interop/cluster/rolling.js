// RESTARTS=30 SERVER='["path/to/cluster"]' node cluster/rolling.js: three servers on one Redis by the wire of the streams
// adapter, restarted one after the other while all speak; clients of socket.io-client 4.6.1, 4.7.5 and 4.8.4, each by
// polling, by WebSocket and with an upgrade, are moved on by a proxy of their own, as by a balancer with sticky sessions.
//
// Each hears what each speaker says once and in order, without a gap as long as it is told that it came back as who it
// was. Prints what each has gone through, and ends with 1 where that does not hold.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import net from "node:net";

import { connected, dial, TRANSPORTS, value } from "../lib/socketio.js";
import { sleep, until } from "../lib/kit.js";
import { freePort, start } from "../lib/server.js";

const RESTARTS = Number(process.env.RESTARTS ?? 3);
const VERSIONS = (process.env.CLIENTS ?? "4.6,4.7,4.8").split(",");
const PATIENCE = 120_000;
/** How long a speaker waits between two events, in ms. */
const PAUSE = Number(process.env.PAUSE ?? 10);

const endings = [];
const t = { transport: "websocket", after: (ending) => endings.unshift(ending) };

async function redis() {
  const port = await freePort();
  const child = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", ""], { stdio: "ignore" });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  await until("Redis", () => new Promise((told) => {
    const socket = net.connect(port, "127.0.0.1", () => told(true));
    socket.once("error", () => told(false));
    socket.once("connect", () => socket.destroy());
  }), PATIENCE);
  return port;
}

/** One of three, with a client that speaks to all by way of it. */
class Place {
  said = 0;

  constructor(name, env) {
    this.name = name;
    this.env = { ...env, NODE_NAME: name };
  }

  async begin() {
    this.server = await start(this.env);
    this.speaker = dial(t, "/", { url: this.server.url, reconnection: false });
    await connected(this.speaker);
    this.speaks = this.#speak();
  }

  /** One after the other: what was not acked may not have been said. */
  async #speak() {
    this.isOver = false;
    while (!this.isOver) {
      await value(this.speaker, "send", { via: "server", event: "n", args: [this.name, this.said] });
      this.said++;
      await sleep(PAUSE);
    }
  }

  async rest() {
    this.isOver = true;
    await this.speaks;
    this.speaker.disconnect();
  }

  async end() {
    await this.rest();
    const { code, forced } = await this.server.stop();
    assert.deepEqual({ code, forced }, { code: 0, forced: false }, "a server ends when it is told to");
  }
}

/** Leads to a server, and to the next one when that is gone. */
class Balancer {
  #at;

  constructor(places, first) {
    this.#at = first;
    this.places = places;
    this.listens = net.createServer((near) => {
      const far = net.connect(places[this.#at].server.port, "127.0.0.1");
      for (const [one, other] of [[near, far], [far, near]]) {
        one.setNoDelay(true);
        one.on("close", () => other.destroy());
        one.on("error", () => other.destroy());
        one.pipe(other);
      }
    });
    t.after(() => this.listens.close());
  }

  async begin() {
    await new Promise((done) => this.listens.listen(0, "127.0.0.1", done));
    this.url = `http://127.0.0.1:${this.listens.address().port}`;
  }

  /** Nobody is led to that one any more. */
  leave(at) {
    if (this.#at === at) this.#at = (at + 1) % this.places.length;
  }
}

/** A client, and what is wrong with what it hears. */
class Listener {
  faults = [];
  figures = { heard: 0, recovered: 0, anew: 0 };
  /** The last number of each speaker, and the next one that must come, if one must. */
  newest = new Map();
  next = new Map();
  #id;

  constructor(name, balancer, options) {
    this.name = name;
    this.balancer = balancer;
    this.socket = dial(t, "/", { url: balancer.url, ...options });
    this.socket.on("connect", () => this.#enters());
    this.socket.on("n", (speaker, n) => this.#hears(speaker, n));
  }

  #enters() {
    const back = this.socket.recovered;
    if (back !== (this.socket.id === this.#id)) this.faults.push(`${this.#id} is ${this.socket.id}, recovered: ${back}`);
    if (this.#id !== undefined) this.figures[back ? "recovered" : "anew"]++;
    this.#id = this.socket.id;
    if (!back) this.next.clear();
  }

  #hears(speaker, n) {
    this.figures.heard++;
    if (n <= this.newest.get(speaker)) this.faults.push(`${speaker}: ${n} after ${this.newest.get(speaker)}`);
    if (this.next.has(speaker) && n !== this.next.get(speaker)) this.faults.push(`${speaker}: ${n} for ${this.next.get(speaker)}`);
    this.newest.set(speaker, n);
    this.next.set(speaker, n + 1);
  }

  hasAll(places) {
    return places.every(({ name, said }) => said === 0 || this.newest.get(name) === said - 1);
  }
}

async function main() {
  const env = {
    ADAPTER: "redis-streams",
    REDIS_URL: `redis://127.0.0.1:${await redis()}`,
    KEY: "rolling",
    RECOVERY_MS: "120000",
    PING_INTERVAL: "25000",
    PING_TIMEOUT: "20000",
    CONNECT_TIMEOUT: "20000",
  };
  const places = ["a", "b", "c"].map((name) => new Place(name, env));
  await Promise.all(places.map((place) => place.begin()));
  const listeners = [];
  for (const version of VERSIONS) {
    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      const balancer = new Balancer(places, listeners.length % places.length);
      await balancer.begin();
      listeners.push(new Listener(`${version} ${name}`, balancer, { version, transports }));
    }
  }
  const all = (what, holds) =>
    until(what, () => listeners.every(holds), PATIENCE).catch((error) => {
      const others = listeners.filter((it) => !holds(it));
      throw new Error(`${error.message}: ${JSON.stringify(others.map(({ name, figures }) => ({ name, ...figures })))}`);
    });
  await all("the clients", (it) => it.socket.connected && it.newest.size === places.length);
  for (let restart = 0; restart < RESTARTS; restart++) {
    const at = restart % places.length;
    for (const it of listeners) it.balancer.leave(at);
    await places[at].end();
    await places[at].begin();
    await all("the clients", (it) => it.socket.connected);
    // Each has heard of everybody since, so that it knows where it is.
    const said = places.map(({ name, said }) => [name, said]);
    await all("what is said", (it) => said.every(([name, from]) => it.newest.get(name) >= from));
  }
  await Promise.all(places.map((place) => place.rest()));
  await all("the last word", (it) => it.hasAll(places));
  for (const { name, figures } of listeners) console.log(JSON.stringify({ client: name, ...figures }));
  console.log(JSON.stringify({ restarts: RESTARTS, said: places.map((it) => it.said) }));
  for (const { name, faults } of listeners) assert.deepEqual(faults, [], name);
  for (const ending of endings) await ending();
  await Promise.all(places.map((place) => place.server.stop()));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
