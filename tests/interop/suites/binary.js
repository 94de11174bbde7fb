// Binary anywhere in the arguments, both ways.

import assert from "node:assert/strict";
import { test } from "../lib/kit.js";
import { LEGACY, ask, bytes, collect, next, open, plain, value } from "../lib/socketio.js";

const sum = (buffer) => buffer.reduce((total, byte) => (total + byte) % 65536, 0);
const described = (buffer) => ({ $bin: buffer.length, $sum: sum(buffer) });

test("a buffer comes back, whatever its kind", async (t) => {
  const socket = await open(t);
  const content = bytes(300);
  const kinds = [content, new Uint8Array(content).buffer];
  if (!LEGACY) kinds.push(new Uint8Array(content)); // before 3.0 a view is an ordinary object
  for (const kind of kinds) assert.deepEqual(plain(await ask(socket, "echo", kind)), [content]);
});

test("an empty buffer stays a buffer", async (t) => {
  const socket = await open(t);
  assert.deepEqual(plain(await ask(socket, "echo", Buffer.alloc(0), "x")), [Buffer.alloc(0), "x"]);
});

test("buffers are found at every depth, and put back there", async (t) => {
  const socket = await open(t);
  const sent = [
    bytes(1),
    "text",
    { deep: [{ er: { est: bytes(64, 3) } }, null, bytes(2, 9)], beside: { number: 4, data: bytes(17) } },
    [[[[bytes(5)]]]],
  ];
  assert.deepEqual(plain(await ask(socket, "echo", ...sent)), sent);
  const back = next(socket, "echo_back");
  socket.emit("echo", ...sent);
  assert.deepEqual(plain(await back), sent);
});

test("the server sees the bytes and not the placeholders", async (t) => {
  const socket = await open(t);
  const [one, two] = [bytes(1000), bytes(3, 250)];
  const seen = await value(socket, "describe", { one, list: [two, "x"] }, two);
  assert.deepEqual(seen, [{ one: described(one), list: [described(two), "x"] }, described(two)]);
});

test("an object that looks like a placeholder beside binary does not disturb it", async (t) => {
  const socket = await open(t);
  assert.deepEqual(plain(await ask(socket, "echo", { placeholder: true, num: 0 }, bytes(4))), [
    { placeholder: true, num: 0 },
    bytes(4),
  ]);
});

test("the server makes binary for an ack and for an event", async (t) => {
  const socket = await open(t);
  const expected = {
    n: 5,
    items: Array.from({ length: 5 }, (_, i) => ({
      i,
      data: Buffer.from(Array.from({ length: 700 }, (_, j) => (i + j) % 256)),
    })),
  };
  assert.deepEqual(plain(await value(socket, "make_bin", { count: 5, size: 700 })), expected);
  const made = next(socket, "made_bin");
  socket.emit("make_bin", { count: 5, size: 700 });
  assert.deepEqual(plain(await made), [expected]);
});

test("as many attachments as a packet may have", async (t) => {
  const socket = await open(t);
  const sent = Array.from({ length: 10 }, (_, i) => bytes(20, i));
  assert.deepEqual(plain(await ask(socket, "echo", sent)), [sent]);
});

test("binary acks to the server's question", async (t) => {
  const socket = await open(t);
  socket.on("please_ack", (...args) => args.pop()({ got: args }, bytes(33)));
  const { ok, reply } = plain(await value(socket, "call_me", bytes(12), [bytes(13)]));
  assert.equal(ok, true);
  assert.deepEqual(reply, [{ got: [bytes(12), [bytes(13)]] }, bytes(33)]);
});

test("attachments are as large as messages may be", async (t) => {
  const socket = await open(t);
  const sent = bytes(60_000);
  assert.deepEqual(plain(await ask(socket, "echo", sent)), [sent]);
});

test("binary and text of many senders never mix", async (t) => {
  const [reader, ...writers] = await Promise.all(Array.from({ length: 5 }, () => open(t)));
  await ask(reader, "join", "mixed");
  const seen = collect(reader, "mixed");
  await Promise.all(
    writers.map(async (writer, at) => {
      for (let i = 0; i < 40; i++) {
        const args = i % 2 ? [at, i, [bytes(50, at), { b: bytes(9, i) }]] : [at, i];
        await ask(writer, "send", { rooms: "mixed", via: "server", event: "mixed", args });
      }
    }),
  );
  assert.deepEqual(await ask(reader, "echo", "end"), ["end"]);
  assert.equal(seen.length, 160);
  for (const at of writers.keys()) {
    const own = seen.filter(([from]) => from === at);
    assert.deepEqual(
      own.map(([, i]) => i),
      Array.from({ length: 40 }, (_, i) => i),
    );
    for (const [, i, data] of own) assert.deepEqual(plain(data), i % 2 ? [bytes(50, at), { b: bytes(9, i) }] : undefined);
  }
});
