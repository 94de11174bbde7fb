// engine.io-client against the plain Engine.IO echo of the `interop` server.

import assert from "node:assert/strict";
import { sleep, test, until, within } from "../lib/kit.js";
import { load } from "../lib/packages.js";
import { wire } from "../lib/proxy.js";
import { Peer } from "../lib/raw.js";

export const VERSION = process.env.CLIENT ?? "6.6";
/** A client of the 2.x line speaks revision 3. */
const LEGACY = VERSION.startsWith("3.");
const { Socket } = load(`engine.io-client-${VERSION}`);
const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };
const MAX_PAYLOAD = 100_000;
/** Behind its type, and behind its length where revision 3 puts it into a body. */
const LARGEST = (t) => MAX_PAYLOAD - "4".length - (LEGACY && t.transport === "polling" ? "99994:".length : 0);

function dial(t, { url = t.server.url, ...options } = {}) {
  const socket = new Socket(url, { path: "/engine.io", transports: TRANSPORTS[t.transport], ...options });
  socket.binaryType = "nodebuffer";
  t.after(() => socket.close());
  socket.seen = [];
  socket.on("message", (message) => socket.seen.push(message));
  socket.over = new Promise((resolve) => socket.on("close", resolve));
  return socket;
}

const open = (t, options) => {
  const socket = dial(t, options);
  return within("an open connection", new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.once("error", reject);
  }));
};

const received = (socket, count) => until(`${count} messages`, () => socket.seen.length >= count && socket.seen);
const over = (socket) => within("the connection to close", socket.over);

async function settled(t, socket) {
  if (t.transport === "upgrade") await until("the upgrade", () => socket.transport.name === "websocket");
}

test("open, without a word from the server", async (t) => {
  const socket = await open(t);
  assert.match(socket.id, /^[\w-]{20,}$/);
  await settled(t, socket);
  await sleep(50);
  assert.deepEqual(socket.seen, []);
});

test("text and binary come back as they were, in order", async (t) => {
  const socket = await open(t);
  const sent = ["one", Buffer.from([0, 1, 254, 255]), "zwei ü 🎈", Buffer.alloc(3000, 9), '{"a":[1]}', "b64", "4", Buffer.from([4])];
  for (const message of sent) socket.send(message);
  assert.deepEqual(await received(socket, sent.length), sent);
});

test("an empty binary message stays one", async (t) => {
  const socket = await open(t);
  socket.send(Buffer.alloc(0));
  socket.send("after");
  const [empty, after] = await received(socket, 2);
  assert.deepEqual([Buffer.from(empty).length, after], [0, "after"]);
});

test("a thousand messages through the start of a connection", async (t) => {
  const socket = dial(t);
  const sent = Array.from({ length: 1000 }, (_, i) => (i % 10 ? `message ${i}` : Buffer.from(`binary ${i}`)));
  for (const message of sent) {
    socket.send(message);
    if (message.length % 3 === 0) await sleep(0);
  }
  assert.deepEqual(await received(socket, sent.length), sent);
});

test("large messages from the server", async (t) => {
  const socket = await open(t);
  socket.send("give text 300000");
  socket.send("give binary 300000");
  const [text, binary] = await received(socket, 2);
  assert.equal(text, "x".repeat(300_000));
  assert.deepEqual(Buffer.from(binary), Buffer.alloc(300_000, 7));
});

test("the server closes", async (t) => {
  const socket = await open(t);
  await settled(t, socket);
  socket.send("close me");
  assert.equal(await over(socket), "transport close");
});

test("the server closes, and nobody comes for the news", { transports: ["polling"] }, async (t) => {
  await until("earlier sessions to end", async () => (await t.server.stats()).plain === 0);
  const peer = await Peer.polling(t, "/engine.io/");
  await peer.post("4close me");
  assert.equal((await t.server.stats()).plain, 1);
  // A client that is gone is noticed by the heartbeat as before, however patient a close is.
  await until("the heartbeat to end it", async () => (await t.server.stats()).plain === 0);
});

test("the client closes, with something still to send", async (t) => {
  await until("earlier sessions to end", async () => (await t.server.stats()).plain === 0);
  const socket = await open(t);
  socket.send("last words");
  socket.close();
  assert.equal(await over(socket), "forced close");
  await until("its end on the server", async () => (await t.server.stats()).plain === 0);
});

test("the heartbeat keeps an idle connection", async (t) => {
  const socket = await open(t);
  const pings = [];
  socket.on("ping", () => pings.push(Date.now()));
  await sleep(3_300);
  assert.equal(socket.readyState, "open");
  assert.ok(pings.length >= 2, `${pings.length} pings`);
});

test("a cut wire ends the session on the server", async (t) => {
  await until("earlier sessions to end", async () => (await t.server.stats()).plain === 0);
  const { url, cut } = await wire(t, t.server.port);
  const socket = await open(t, { url });
  await settled(t, socket);
  cut();
  await over(socket);
  await until("its end on the server", async () => (await t.server.stats()).plain === 0);
});

test("the largest message passes", async (t) => {
  const socket = await open(t);
  await settled(t, socket);
  const message = "x".repeat(LARGEST(t));
  socket.send(message);
  assert.deepEqual(await received(socket, 1), [message]);
});

test("one byte more ends the connection", async (t) => {
  const socket = await open(t);
  await settled(t, socket);
  socket.send("x".repeat(LARGEST(t) + 1));
  assert.ok(["transport error", "transport close"].includes(await over(socket)));
  const another = await open(t);
  another.send("unharmed");
  assert.deepEqual(await received(another, 1), ["unharmed"]);
});

test("the client cuts its bodies to what the server takes", async (t) => {
  if (LEGACY) return; // nobody tells it how much that is
  const socket = await open(t);
  const sent = Array.from({ length: 30 }, (_, i) => `${i}`.padEnd(9_000, "y"));
  for (const message of sent) socket.send(message);
  assert.deepEqual(await received(socket, sent.length), sent);
});

test("an unknown session is refused", async (t) => {
  const socket = dial(t, { transports: ["polling"], query: { sid: "unknown" } });
  const error = await within("an error", new Promise((resolve) => socket.once("error", resolve)));
  assert.equal(error.message, "xhr poll error");
  assert.equal(error.description, 400);
});

test("many clients upgrade under load", { transports: ["upgrade"] }, async (t) => {
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      const socket = await open(t);
      const sent = [];
      const say = () => {
        const message = sent.length % 4 ? `text ${sent.length}` : Buffer.from(`binary ${sent.length}`);
        sent.push(message);
        socket.send(message);
      };
      while (socket.transport.name !== "websocket") {
        for (let i = 0; i < 10; i++) say();
        await sleep(2);
      }
      for (let i = 0; i < 100; i++) say();
      assert.deepEqual(await received(socket, sent.length), sent);
    }),
  );
});

test("nothing is left of all those connections", async (t) => {
  await until("all sessions to end", async () => (await t.server.stats()).plain === 0);
});
