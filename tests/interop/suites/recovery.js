// Clients whose lines are cut: what they hear is what was said, each once and in order, or they are told that they
// come as new ones. CUTS is how often, SEED where chance begins.

import assert from "node:assert/strict";
import net from "node:net";

import { dial, open } from "../lib/socketio.js";
import { sleep, test, until } from "../lib/kit.js";

const CUTS = Number(process.env.CUTS ?? 40);

/** Chance that can be played again. */
function chance(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** A wire that breaks after so many bytes to the client, wherever in a frame that is: `hang` says whether its server hears of it. */
async function brittle(t, port, next) {
  const lines = new Set();
  let left = Infinity;
  let hang = false;
  const wire = { cuts: 0, end: false, url: "" };
  const snap = () => {
    wire.cuts++;
    for (const [near, far] of lines) {
      near.destroy();
      if (hang) far.pause();
      else far.destroy();
    }
    lines.clear();
    arm();
  };
  const arm = () => ([left, hang] = wire.end ? [Infinity, false] : next());
  const held = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    const line = [near, far];
    lines.add(line);
    held.add(far);
    near.on("error", () => {});
    far.on("error", () => {});
    near.on("data", (data) => far.write(data));
    far.on("data", (data) => {
      if (!lines.has(line)) return;
      if (data.length < left) {
        left -= data.length;
        near.write(data);
      } else {
        near.write(data.subarray(0, left), snap);
        left = Infinity;
      }
    });
    near.on("close", () => lines.has(line) && far.destroy());
    far.on("close", () => (held.delete(far), near.destroy(), lines.delete(line)));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.close();
    for (const far of held) far.destroy();
    for (const [near] of lines) near.destroy();
  });
  arm();
  wire.url = `http://127.0.0.1:${server.address().port}`;
  wire.stop = () => ((wire.end = true), (left = Infinity));
  return wire;
}

test("each event is heard once and in order, however often the line is cut", { limit: 120_000 }, async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  const draw = chance(seed);
  const wire = await brittle(t, t.server.port, () => [400 + draw(draw(2) ? 8000 : 2000), draw(3) === 0]);
  const speaker = await open(t);
  const listener = dial(t, "/", { url: wire.url });
  const figures = { seed, recovered: 0, anew: 0 };
  let last = -1;
  let id;
  const faults = [];
  listener.on("connect", () => {
    if (id === undefined || listener.id !== id) {
      if (id !== undefined) figures.anew++;
      assert.equal(listener.recovered, false);
      // What it missed it will not hear.
      last = undefined;
      listener.emit("join", "room");
    } else {
      figures.recovered++;
      assert.equal(listener.recovered, true);
    }
    id = listener.id;
  });
  listener.on("n", (n, ...rest) => {
    if (last !== undefined && n !== last + 1) faults.push(`${n} after ${last}`);
    if (n % 7 === 0 && !(Buffer.isBuffer(rest[0]) && rest[0].length === n % 50)) faults.push(`${n} without its bytes`);
    last = n;
  });
  // Attempts may fail: they are cut, too.
  const there = () => until("a connection", () => listener.connected, 10_000);
  await there();
  let n = 0;
  const say = () => {
    const args = n % 7 === 0 ? [n, Buffer.alloc(n % 50)] : [n, "x".repeat(draw(80))];
    n++;
    return new Promise((resolve) => speaker.emit("send", { via: "server", event: "n", args }, resolve));
  };
  await until("the first event", async () => (await say(), last !== undefined));
  while (wire.cuts < CUTS) {
    await say();
    // What is missed between two lives of the line must fit into one.
    await sleep(draw(10));
  }
  wire.stop();
  await there();
  await say();
  await until("the last event", () => last === n - 1, 10_000);
  console.log(JSON.stringify({ ...figures, cuts: wire.cuts, events: n }));
  assert.deepEqual(faults, []);
  assert.ok(figures.recovered > 0, "some come back");
});
