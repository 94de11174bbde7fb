// Events and acks in both directions: what arrives is what was sent, in order, exactly once.

import assert from "node:assert/strict";
import { test } from "../lib/kit.js";
import { LEGACY, ask, bytes, collect, dial, next, open, plain, settled, value } from "../lib/socketio.js";

const VALUES = [
  "text",
  "",
  "schön 日本 🎈 \u2028 \" \\ \n \u0000",
  0,
  -1,
  1.5,
  2 ** 53 - 1,
  -(2 ** 53 - 1),
  1e21,
  5e-324,
  true,
  false,
  null,
  [],
  {},
  [1, "2", { 3: [true] }],
  { b: 1, a: { z: [null, { y: "" }] } },
];

test("a socket knows who it is", async (t) => {
  const socket = await open(t, "/", { query: { colour: "blue", empty: "" }, ...(!LEGACY && { auth: { user: "ann" } }) });
  const who = await value(socket, "who");
  assert.equal(who.id, socket.id);
  assert.equal(who.nsp, "/");
  assert.deepEqual(who.rooms, []);
  assert.deepEqual(who.auth, LEGACY ? {} : { user: "ann" });
  assert.deepEqual(who.query, { colour: "blue", empty: "" });
  assert.equal(who.eio, LEGACY ? 3 : 4);
  assert.equal(who.recovered, false);
  assert.ok(["polling", "websocket"].includes(who.transport));
});

test("each value comes back in an ack as it was sent", async (t) => {
  const socket = await open(t);
  for (const sent of VALUES) assert.deepEqual(await ask(socket, "echo", sent), [sent]);
});

test("all values come back in one ack, in place", async (t) => {
  const socket = await open(t);
  assert.deepEqual(await ask(socket, "echo", ...VALUES), VALUES);
});

test("keys keep their order", async (t) => {
  const socket = await open(t);
  const sent = { zebra: 1, apple: 2, mango: { b: 1, a: 2 } };
  assert.equal(JSON.stringify(await value(socket, "echo", sent)), JSON.stringify(sent));
});

test("an event without ack is answered by an event", async (t) => {
  const socket = await open(t);
  const back = next(socket, "echo_back");
  socket.emit("echo", ...VALUES);
  assert.deepEqual(await back, VALUES);
});

test("no arguments are no arguments", async (t) => {
  const socket = await open(t);
  assert.deepEqual(await ask(socket, "echo"), []);
  assert.deepEqual(await ask(socket, "ack_none"), []);
  const back = next(socket, "echo_back");
  socket.emit("echo");
  assert.deepEqual(await back, []);
});

test("acks find their question when they overtake each other", async (t) => {
  const socket = await open(t);
  await settled(t, socket);
  // Who polls sends the first thing that there is by itself, and what comes behind it together.
  ask(socket, "echo");
  const order = [];
  await Promise.all(
    [120, 80, 40, 1].map(async (ms) => {
      assert.deepEqual(await ask(socket, "late_ack", ms, `after ${ms}`), [`after ${ms}`]);
      order.push(ms);
    }),
  );
  assert.deepEqual(order, [1, 40, 80, 120]);
});

test("the server's question is answered by the client's ack", async (t) => {
  const socket = await open(t);
  const asked = [];
  socket.on("please_ack", (...args) => {
    const ack = args.pop();
    asked.push(plain(args));
    ack("answer", args.length, bytes(9));
  });
  const [{ ok, reply }] = plain(await ask(socket, "call_me", 1, { two: bytes(5) }));
  assert.equal(ok, true);
  assert.deepEqual(reply, ["answer", 2, bytes(9)]);
  assert.deepEqual(asked, [[1, { two: bytes(5) }]]);
});

test("a question that stays unanswered times out", async (t) => {
  const socket = await open(t);
  const asked = next(socket, "never_ack");
  const { timedOut, after } = await value(socket, "call_me_timeout", 150);
  assert.equal(timedOut, true);
  assert.ok(after >= 149, `after ${after} ms`);
  assert.equal((await asked)[0], 1);
});

test("an answer that comes too late is dropped", async (t) => {
  const socket = await open(t);
  const asked = next(socket, "never_ack");
  assert.equal((await value(socket, "call_me_timeout", 50)).timedOut, true);
  const [, answer] = await asked;
  answer("late");
  assert.deepEqual(await ask(socket, "echo", "still here"), ["still here"]);
});

test("the client gives up on a question to the server", async (t) => {
  const socket = await open(t);
  if (!socket.timeout) return; // before 4.4 the client has no such thing
  const error = await new Promise((resolve) => socket.timeout(60).emit("late_ack", 300, "x", resolve));
  assert.match(error.message, /timed out/);
  assert.deepEqual(await ask(socket, "echo", 1), [1]);
});

test("what is emitted before the connection arrives after it, in order", async (t) => {
  const socket = dial(t);
  for (let i = 0; i < 50; i++) socket.emit("seq", i);
  const list = await value(socket, "seq_get");
  assert.deepEqual(list, Array.from({ length: 50 }, (_, i) => i));
});

test("a burst to the client keeps its order", async (t) => {
  const socket = await open(t);
  const seen = collect(socket, "burst");
  assert.equal(await value(socket, "burst", 1000, 30), 1000);
  assert.deepEqual(
    seen.map(([i]) => i),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.ok(seen.every(([, text]) => text === "p".repeat(30)));
});

test("a burst to the server keeps its order, binary in between", async (t) => {
  const socket = await open(t);
  for (let i = 0; i < 500; i++) {
    if (i % 7 === 0) socket.emit("seq", i, bytes(40, i));
    else socket.emit("seq", i);
  }
  assert.deepEqual(
    await value(socket, "seq_get"),
    Array.from({ length: 500 }, (_, i) => i),
  );
});

test("an answer may be larger than what the server accepts", async (t) => {
  const socket = await open(t);
  assert.equal(await value(socket, "big", 400_000), "x".repeat(400_000));
});

test("a listener for everything sees names and arguments", async (t) => {
  const socket = await open(t);
  for (const [name, ...args] of [["any:"], ["any:one", 1], ["any:ünï 🎈 \"quoted\"", 1, {}, bytes(3)]]) {
    const seen = next(socket, "any_seen");
    socket.emit(name, ...args);
    assert.deepEqual(await seen, [name, args.length]);
  }
});

test("names that mean something elsewhere are ordinary events", async (t) => {
  const socket = await open(t);
  for (const name of ["error", "message", "ping", "close", "open", "__proto__", "constructor", "toString"]) {
    socket.emit(name, { toString: "not a function" });
  }
  assert.deepEqual(await ask(socket, "echo", "unharmed"), ["unharmed"]);
});

test("volatile events arrive in order or not at all", async (t) => {
  const socket = await open(t);
  const seen = collect(socket, "vol_item");
  assert.equal(await value(socket, "vol", 100), 100);
  const numbers = seen.map(([i]) => i);
  assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b));
});

test("the connection outlives several heartbeats", { server: {} }, async (t) => {
  const socket = await open(t);
  const { id } = socket;
  await new Promise((resolve) => setTimeout(resolve, 3_200));
  assert.equal((await value(socket, "who")).id, id);
});
