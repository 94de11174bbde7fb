// What is too large, too deep or too many ends its own connection, and nothing else.

import assert from "node:assert/strict";
import { sleep, test, until } from "../lib/kit.js";
import { LEGACY, ask, bytes, connected, next, open, settled, value } from "../lib/socketio.js";

const MAX_PAYLOAD = 100_000;

async function settledMember(t, options = { reconnection: false }) {
  const socket = await open(t, "/", options);
  await settled(t, socket);
  return socket;
}

/** Sends what must end this connection; the server's reason. All others have to be undisturbed. */
async function ends(t, socket, send) {
  const bystander = await open(t);
  const { id } = socket;
  const over = next(socket, "disconnect");
  send(socket);
  const [reason] = await over;
  assert.ok(["transport close", "transport error"].includes(reason), reason);
  const last = await until("the server to notice", () => value(bystander, "last_disconnect", id));
  assert.deepEqual(await ask(bystander, "echo", "undisturbed"), ["undisturbed"]);
  assert.equal(await t.server.get("/health"), "ok");
  return last.reason;
}

/** An event whose only packet has exactly this many bytes. */
const sized = (length) => "x".repeat(length - '42["echo",""]'.length);

test("a message of exactly the largest size passes", async (t) => {
  const socket = await settledMember(t);
  // The 2.x line counts each packet of a body in front of it, and the limit is for the body.
  const text = sized(MAX_PAYLOAD - (LEGACY && t.transport === "polling" ? "99994:".length : 0));
  const back = next(socket, "echo_back");
  socket.emit("echo", text);
  assert.deepEqual(await back, [text]);
});

test("one byte more ends the connection", async (t) => {
  const socket = await settledMember(t);
  const reason = await ends(t, socket, () => socket.emit("echo", sized(MAX_PAYLOAD + 1)));
  const allowed = t.transport === "polling" ? ["transport error", "transport close"] : ["transport error"];
  assert.ok(allowed.includes(reason), reason);
});

test("an attachment that is too large ends the connection", async (t) => {
  const socket = await settledMember(t);
  const reason = await ends(t, socket, () => socket.emit("echo", Buffer.alloc(MAX_PAYLOAD + 1)));
  const allowed = t.transport === "polling" ? ["transport error", "transport close"] : ["transport error"];
  assert.ok(allowed.includes(reason), reason);
});

test("who was cut off for size comes back and goes on", async (t) => {
  const socket = await settledMember(t, {});
  const over = next(socket, "disconnect");
  socket.emit("echo", "x".repeat(2 * MAX_PAYLOAD));
  await over;
  await connected(socket);
  assert.deepEqual(await ask(socket, "echo", "small"), ["small"]);
});

test("one attachment more than allowed ends the connection", async (t) => {
  const socket = await settledMember(t);
  const reason = await ends(t, socket, () => {
    socket.emit("echo", Array.from({ length: 11 }, (_, i) => bytes(4, i)));
  });
  assert.ok(["forced close", "forced server close", "parse error"].includes(reason), reason);
});

test("a value nested very deeply never ends the process", async (t) => {
  const socket = await settledMember(t);
  const deep = "[".repeat(30_000) + "]".repeat(30_000);
  socket.io.engine.write(`42["echo",${deep}]`);
  socket.io.engine.write(`421["echo",${deep}]`);
  await until("the server to answer others", async () => (await t.server.get("/health")) === "ok");
  assert.deepEqual(await ask(await open(t), "echo", "alive"), ["alive"]);
});

test("a connection that joins no namespace is closed", { server: {} }, async (t) => {
  const socket = await open(t);
  if (LEGACY) {
    // It has joined the main one without a word.
    await sleep(1_700);
    assert.equal(socket.connected, true);
    return;
  }
  const before = (await t.server.stats()).engine;
  const { engine } = socket.io;
  const idle = new engine.constructor(t.server.url, { path: "/socket.io", transports: engine.opts.transports });
  t.after(() => idle.close());
  const closed = new Promise((resolve) => idle.on("close", resolve));
  await until("the idle session", async () => (await t.server.stats()).engine === before + 1);
  await closed;
  await until("its end on the server", async () => (await t.server.stats()).engine === before);
  assert.deepEqual(await ask(socket, "echo", 1), [1]);
});

test("an event for a namespace that was not joined ends the connection", async (t) => {
  const socket = await settledMember(t);
  await ends(t, socket, () => socket.io.engine.write('42/custom,["echo",1]'));
});

test("two hundred attachments where they are allowed", { apart: true }, async (t) => {
  const server = await t.start({ MAX_ATTACHMENTS: "200" });
  const socket = await open(t, "/", { url: server.url });
  const [seen] = await ask(socket, "describe", Array.from({ length: 200 }, (_, i) => bytes(2, i)));
  assert.equal(seen[0].length, 200);
});
