// Clients of both lines in the same rooms, neither noticing that the other is not one of its own.

import assert from "node:assert/strict";
import { sleep, test, until } from "../lib/kit.js";
import { LEGACY, OTHER, ask, bytes, collect, dial, next, open, plain, settled, value } from "../lib/socketio.js";

/** One client of each line, in the room `both`, each collecting `said`. */
async function pair(t, namespace = "/") {
  const [own, other] = [await open(t, namespace), await open(t, namespace, { version: OTHER })];
  for (const socket of [own, other]) {
    await settled(t, socket);
    await ask(socket, "join", "both");
  }
  return { own, other, heard: [collect(own, "said"), collect(other, "said")] };
}

const say = (socket, args, how = {}) => ask(socket, "send", { rooms: "both", via: "server", event: "said", args, ...how });

/** Waits until what was sent so far has arrived. */
const arrived = ({ own, other }) => Promise.all([ask(own, "echo"), ask(other, "echo")]);

test("each is known by its own revision", async (t) => {
  const { own, other } = await pair(t);
  assert.equal((await value(own, "who")).eio, LEGACY ? 3 : 4);
  assert.equal((await value(other, "who")).eio, LEGACY ? 4 : 3);
});

for (const namespace of ["/", "/custom"]) {
  test(`both hear the same, text and binary, in the same order: ${namespace}`, async (t) => {
    const both = await pair(t, namespace);
    const sent = [
      ["ü 🎈 \u2028"],
      [{ picture: bytes(500), list: [bytes(3), null] }],
      [],
      [1, "two", [3]],
      [bytes(0), bytes(20_000)],
      ["\u001e between \u001e"],
    ];
    for (const [i, args] of sent.entries()) await say(i % 2 ? both.own : both.other, args);
    await arrived(both);
    assert.deepEqual(plain(both.heard), [sent, sent]);
  });
}

test("each speaks to the other alone", async (t) => {
  const both = await pair(t);
  await say(both.own, ["from own", bytes(10)], { via: "socket" });
  await say(both.other, ["from other", bytes(11)], { via: "socket" });
  await say(both.own, ["privately"], { rooms: both.other.id });
  await arrived(both);
  assert.deepEqual(plain(both.heard), [[["from other", bytes(11)]], [["from own", bytes(10)], ["privately"]]]);
});

test("both are asked, and both answers come", async (t) => {
  const { own, other } = await pair(t);
  own.on("ask", (what, ack) => ack("own", what, bytes(4)));
  other.on("ask", (what, ack) => ack("other", what, bytes(4)));
  const answer = await value(own, "ask_all", { rooms: "both", timeout: 3_000, args: [bytes(7)] });
  assert.deepEqual(answer, { timedOut: false, replies: ["other", "own"] });
});

test("except takes either line out", async (t) => {
  const both = await pair(t);
  await say(both.own, [1], { except: both.own.id });
  await say(both.own, [2], { except: both.other.id });
  await arrived(both);
  assert.deepEqual(both.heard, [[[2]], [[1]]]);
});

test("a stream of broadcasts has no gap for either while they upgrade", async (t) => {
  const speaker = await open(t);
  const listeners = [dial(t), dial(t, "/", { version: OTHER })];
  const heard = listeners.map((socket) => collect(socket, "shouted"));
  await Promise.all(listeners.map((socket) => next(socket, "connect")));
  let spoken = 0;
  const end = Date.now() + 600;
  while (Date.now() < end) {
    for (let i = 0; i < 4; i++) speaker.emit("shout", spoken++ % 3 ? { n: spoken } : { n: spoken, data: bytes(30, spoken) });
    await sleep(2);
  }
  await ask(speaker, "echo");
  await Promise.all(listeners.map((socket) => ask(socket, "echo")));
  for (const seen of heard) {
    const numbers = seen.map(([{ n }]) => n);
    assert.equal(numbers.at(-1), spoken);
    assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, i) => numbers[0] + i));
    for (const [{ n, data }] of seen) assert.deepEqual(plain(data), (n - 1) % 3 ? undefined : bytes(30, n));
  }
});

test("one of them leaves, and the other stays", async (t) => {
  const both = await pair(t);
  const { id } = both.other;
  both.other.disconnect();
  const last = await until("the server to notice", () => value(both.own, "last_disconnect", id));
  assert.deepEqual(last.rooms, ["both"]);
  assert.ok(["client namespace disconnect", "transport close"].includes(last.reason), last.reason);
  await say(both.own, ["alone"]);
  await ask(both.own, "echo");
  assert.deepEqual(both.heard, [[["alone"]], []]);
});
