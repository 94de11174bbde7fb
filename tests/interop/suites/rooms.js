// Rooms: who gets a broadcast, once, and who does not.

import assert from "node:assert/strict";
import { PATIENCE, test } from "../lib/kit.js";
import { ask, bytes, collect, open, plain, value } from "../lib/socketio.js";

/** Sockets by name, each collecting `said`. */
async function crowd(t, members, namespace = "/") {
  const sockets = {};
  const heard = {};
  for (const [name, rooms] of Object.entries(members)) {
    sockets[name] = await open(t, namespace);
    heard[name] = collect(sockets[name], "said");
    if (rooms.length) assert.deepEqual(await value(sockets[name], "join", rooms), [...rooms].sort());
  }
  return { sockets, heard };
}

/** Who heard what, once everything sent so far has arrived. */
async function outcome({ sockets, heard }) {
  await Promise.all(Object.values(sockets).map((socket) => ask(socket, "echo")));
  return Object.fromEntries(Object.entries(heard).map(([name, said]) => [name, said.map(([what]) => what)]));
}

const say = (socket, how) => ask(socket, "send", { event: "said", args: [how.what], ...how });

test("joining and leaving, one and several", async (t) => {
  const socket = await open(t);
  assert.deepEqual(await value(socket, "join", "b"), ["b"]);
  assert.deepEqual(await value(socket, "join", ["a", "c", "b"]), ["a", "b", "c"]);
  assert.deepEqual(await value(socket, "leave", "b"), ["a", "c"]);
  assert.deepEqual(await value(socket, "leave", ["a", "c", "never joined"]), []);
  assert.deepEqual((await value(socket, "who")).rooms, []);
});

test("a room hears it, its sender only from the server", async (t) => {
  const all = await crowd(t, { ann: ["lobby"], bob: ["lobby"], eve: [] });
  await say(all.sockets.ann, { rooms: "lobby", via: "socket", what: 1 });
  await say(all.sockets.ann, { rooms: "lobby", via: "server", what: 2 });
  assert.deepEqual(await outcome(all), { ann: [2], bob: [1, 2], eve: [] });
});

test("members of several rooms hear it once", async (t) => {
  const all = await crowd(t, { ann: ["a", "b"], bob: ["b"], eve: ["c"], sender: [] });
  await say(all.sockets.sender, { rooms: ["a", "b"], via: "server", what: 1 });
  await say(all.sockets.sender, { rooms: ["a", "a", "c"], via: "socket", what: 2 });
  assert.deepEqual(await outcome(all), { ann: [1, 2], bob: [1], eve: [2], sender: [] });
});

test("except takes rooms and ids out", async (t) => {
  const all = await crowd(t, { ann: ["a", "muted"], bob: ["a"], eve: ["a", "b"], sender: ["a"] });
  const { sender, bob } = all.sockets;
  await say(sender, { rooms: "a", except: "muted", via: "server", what: 1 });
  await say(sender, { rooms: "a", except: ["muted", "b"], via: "socket", what: 2 });
  await say(sender, { rooms: "a", except: [bob.id], via: "server", what: 3 });
  await say(sender, { except: ["a"], via: "server", what: 4 });
  assert.deepEqual(await outcome(all), { ann: [3], bob: [1, 2], eve: [1, 3], sender: [1, 3] });
});

test("an id is a room", async (t) => {
  const all = await crowd(t, { ann: [], bob: [] });
  await say(all.sockets.ann, { rooms: all.sockets.bob.id, via: "socket", what: "private" });
  await say(all.sockets.ann, { rooms: all.sockets.ann.id, via: "server", what: "to myself" });
  assert.deepEqual(await outcome(all), { ann: ["to myself"], bob: ["private"] });
});

test("nobody is in a room that nobody joined", async (t) => {
  const all = await crowd(t, { ann: [], bob: [] });
  await say(all.sockets.ann, { rooms: "empty", via: "server", what: 1 });
  assert.deepEqual(await outcome(all), { ann: [], bob: [] });
});

test("without a room everybody hears it, the sender only from the server", async (t) => {
  const all = await crowd(t, { ann: [], bob: ["x"] });
  await say(all.sockets.ann, { via: "socket", what: 1 });
  await say(all.sockets.ann, { via: "server", what: 2 });
  assert.deepEqual(await outcome(all), { ann: [2], bob: [1, 2] });
});

test("a shout reaches the namespace", async (t) => {
  const { sockets } = await crowd(t, { ann: [], bob: [] });
  const heard = [collect(sockets.ann, "shouted"), collect(sockets.bob, "shouted")];
  sockets.ann.emit("shout", { v: [1] });
  await ask(sockets.ann, "echo");
  await ask(sockets.bob, "echo");
  assert.deepEqual(heard, [[[{ v: [1] }]], [[{ v: [1] }]]]);
});

test("who left hears nothing more, who is gone neither", async (t) => {
  const all = await crowd(t, { ann: ["a"], bob: ["a"], eve: ["a"] });
  await ask(all.sockets.bob, "leave", "a");
  all.sockets.eve.disconnect();
  delete all.sockets.eve;
  await say(all.sockets.ann, { rooms: "a", via: "server", what: 1 });
  assert.deepEqual(await outcome(all), { ann: [1], bob: [], eve: [] });
});

test("binary to a room", async (t) => {
  const all = await crowd(t, { ann: ["a"], bob: ["a"], eve: [] });
  await say(all.sockets.eve, { rooms: "a", via: "socket", args: [{ picture: bytes(500) }] });
  const { ann, bob } = await outcome(all);
  assert.deepEqual(plain([ann, bob]), [[{ picture: bytes(500) }], [{ picture: bytes(500) }]]);
});

test("volatile to a room of listeners", async (t) => {
  const all = await crowd(t, { ann: ["a"], bob: ["a"] });
  await say(all.sockets.ann, { rooms: "a", via: "server", volatile: true, what: 1 });
  const { ann, bob } = await outcome(all);
  for (const heard of [ann, bob]) assert.ok(heard.length <= 1, "once at most");
});

test("every member is asked, and the answers come together", async (t) => {
  const { sockets } = await crowd(t, { ann: ["a"], bob: ["a"], eve: [] });
  for (const [name, socket] of Object.entries(sockets)) {
    socket.on("ask", (question, ack) => ack(`${name}: ${question}`));
  }
  assert.deepEqual(await value(sockets.eve, "ask_all", { rooms: "a", timeout: 2000, args: ["ready?"] }), {
    timedOut: false,
    replies: ["ann: ready?", "bob: ready?"],
  });
});

test("who does not answer is waited for, and then left out", async (t) => {
  const { sockets } = await crowd(t, { ann: ["a"], bob: ["a"] });
  sockets.ann.on("ask", (ack) => ack("ann"));
  // On a machine that has much to do she may be late, too: then all are asked again, and waited for longer.
  let outcome;
  for (let timeout = 200; !outcome?.replies.length && timeout < PATIENCE; timeout *= 2) {
    outcome = await value(sockets.ann, "ask_all", { rooms: "a", timeout });
  }
  assert.deepEqual(outcome, { timedOut: true, replies: ["ann"] });
});

test("asking nobody is answered at once", async (t) => {
  const socket = await open(t);
  assert.deepEqual(await value(socket, "ask_all", { rooms: "empty", timeout: 60_000 }), { timedOut: false, replies: [] });
});

test("the server looks at the members of a room", async (t) => {
  const { sockets } = await crowd(t, { ann: ["a", "x"], bob: ["a"], eve: ["b"] });
  await ask(sockets.ann, "set_data", { name: "ann" });
  const expected = [
    { id: sockets.ann.id, rooms: ["a", "x"], data: { name: "ann" } },
    { id: sockets.bob.id, rooms: ["a"], data: {} },
  ].sort((one, other) => (one.id < other.id ? -1 : 1));
  assert.deepEqual(await value(sockets.eve, "fetch", { rooms: "a" }), expected);
  assert.deepEqual(
    await value(sockets.eve, "fetch", { rooms: ["a", "b"], except: "a" }),
    [{ id: sockets.eve.id, rooms: ["b"], data: {} }],
  );
});

test("the server moves the members of a room", async (t) => {
  const all = await crowd(t, { ann: ["a"], bob: ["a"], eve: [] });
  const { ann, bob, eve } = all.sockets;
  await ask(eve, "sockets_join", { rooms: "a", join: ["new", "newer"] });
  assert.deepEqual((await value(ann, "who")).rooms, ["a", "new", "newer"]);
  await ask(eve, "sockets_leave", { rooms: "new", leave: "a" });
  assert.deepEqual((await value(bob, "who")).rooms, ["new", "newer"]);
  await say(eve, { rooms: "new", via: "server", what: 1 });
  assert.deepEqual(await outcome(all), { ann: [1], bob: [1], eve: [] });
});

test("names of rooms are any text", async (t) => {
  const names = [" ", "ü🎈", "a,b", "/", "x".repeat(200), "__proto__"];
  const all = await crowd(t, { ann: names, bob: [] });
  for (const rooms of names) await say(all.sockets.bob, { rooms, via: "server", what: rooms });
  assert.deepEqual((await outcome(all)).ann, names);
});
