// Every way a connection ends, as the client and as the server name it.

import assert from "node:assert/strict";
import { test, until, within } from "../lib/kit.js";
import { wire } from "../lib/proxy.js";
import { Peer } from "../lib/raw.js";
import { LEGACY, ask, connected, manager, next, open, settled, value } from "../lib/socketio.js";

/** How the server remembers a socket that went away, asked through a connection of its own. */
async function remembered(t, id) {
  const observer = await open(t);
  return until(`the server to notice that ${id} is gone`, () => value(observer, "last_disconnect", id));
}

/** A connected socket, in the rooms `one` and `two`; it does not come back by itself. */
async function member(t, options) {
  const socket = await open(t, "/", { reconnection: false, ...options });
  await settled(t, socket);
  assert.deepEqual(await value(socket, "join", ["two", "one"]), ["one", "two"]);
  return socket;
}

const left = (socket) => next(socket, "disconnect").then(([reason]) => reason);
const rooms = ["one", "two"];
const overPolling = (t) => t.transport === "polling";

/** Puts this on the wire as it is: a frame, or the packets of a body. Until it is through, the client knows nothing of
 * it, and would send what is its own beside it. */
async function inject(socket, ...packets) {
  const { transport } = socket.io.engine;
  if (transport.name === "websocket") return packets.forEach((packet) => transport.ws.send(packet));
  const body = LEGACY ? packets.map((packet) => `${packet.length}:${packet}`).join("") : packets.join("\x1e");
  await new Promise((resolve) => transport.doWrite(body, resolve));
}

/** The bytes 1, 2, 3 as this transport carries them. */
function binary(socket) {
  if (socket.io.engine.transport.name === "polling") return LEGACY ? "b4AQID" : "bAQID";
  return Buffer.from(LEGACY ? [4, 1, 2, 3] : [1, 2, 3]);
}

test("the client leaves", async (t) => {
  const socket = await member(t);
  const { id } = socket;
  const reason = left(socket);
  socket.disconnect();
  assert.equal(await reason, "io client disconnect");
  assert.deepEqual(await remembered(t, id), { reason: "client namespace disconnect", rooms });
});

test("the client closes the connection below", async (t) => {
  const socket = await member(t);
  const { id } = socket;
  const reason = left(socket);
  socket.io.engine.close();
  assert.equal(await reason, "forced close");
  assert.deepEqual(await remembered(t, id), { reason: "transport close", rooms });
});

test("the server puts a socket out", async (t) => {
  const socket = await member(t);
  const { id } = socket;
  const reason = left(socket);
  socket.emit("kick", false);
  assert.equal(await reason, "io server disconnect");
  assert.deepEqual(await remembered(t, id), { reason: "server namespace disconnect", rooms });
});

test("who was put out of one namespace keeps the other", async (t) => {
  const shared = manager(t);
  const main = await connected(shared.socket("/"));
  const custom = await connected(shared.socket("/custom"));
  const reason = left(custom);
  custom.emit("kick", false);
  assert.equal(await reason, "io server disconnect");
  assert.deepEqual(await ask(main, "echo", 1), [1]);
  custom.connect();
  await connected(custom);
  assert.deepEqual(await ask(custom, "echo", 2), [2]);
});

test("the server puts a socket out with its connection", async (t) => {
  const shared = manager(t, { reconnection: false });
  const main = await connected(shared.socket("/"));
  const custom = await connected(shared.socket("/custom"));
  await settled(t, main);
  const ids = [main.id, custom.id];
  const reasons = Promise.all([left(main), left(custom)]);
  main.emit("kick", true);
  for (const reason of await reasons) assert.ok(["io server disconnect", "transport close"].includes(reason), reason);
  for (const id of ids) assert.equal((await remembered(t, id)).reason, "server namespace disconnect");
});

test("the server puts the members of a room out", async (t) => {
  const inside = await member(t);
  const outside = await open(t);
  const { id } = inside;
  const reason = left(inside);
  assert.equal(await value(outside, "sockets_disconnect", { rooms: "one", close: true }), true);
  assert.equal(await reason, "io server disconnect");
  assert.deepEqual(await remembered(t, id), { reason: "server namespace disconnect", rooms });
  assert.deepEqual(await ask(outside, "echo", 1), [1]);
});

test("the server closes the connection below, and the client comes back", async (t) => {
  const socket = await open(t);
  await settled(t, socket);
  const { id } = socket;
  const reason = left(socket);
  const back = next(socket, "connect");
  socket.emit("kick_engine");
  assert.equal(await reason, "transport close");
  await back;
  assert.notEqual(socket.id, id);
  assert.deepEqual(await ask(socket, "echo", "again"), ["again"]);
  const { reason: seen } = await remembered(t, id);
  // A polling connection may have no request open at that moment, so that the close has to wait.
  assert.ok(seen === "forced close" || (overPolling(t) && seen === "forced server close"), seen);
});

test("the wire is cut", async (t) => {
  const { url, cut, asked } = await wire(t, t.server.port);
  const socket = await member(t, { url });
  const { id } = socket;
  const reason = left(socket);
  await until("a polling client's next request to have left", () => !overPolling(t) || asked());
  cut();
  assert.ok(["transport close", "transport error"].includes(await reason));
  assert.deepEqual(await remembered(t, id), { reason: overPolling(t) ? "transport error" : "transport close", rooms });
});

test("the client's heart stops", { server: {} }, async (t) => {
  // The official server of today forgets to listen for it when a client of the 2.x line upgrades.
  if (LEGACY && t.transport === "upgrade" && process.env.SIO_INTEROP_REFERENCE) return;
  const socket = await member(t);
  const { id } = socket;
  const reason = left(socket);
  const { engine } = socket.io;
  if (LEGACY) {
    engine.ping = engine.onHeartbeat = () => {};
    engine.off("heartbeat");
    clearTimeout(engine.pingTimeoutTimer);
  }
  // The method that answers a ping, by its name before and since 6.6.
  for (const method of ["sendPacket", "_sendPacket"]) {
    const send = engine[method];
    if (send) engine[method] = (type, ...rest) => type === "pong" || send.call(engine, type, ...rest);
  }
  const last = await remembered(t, id);
  assert.deepEqual(last, { reason: "ping timeout", rooms });
  assert.ok(["transport close", "ping timeout"].includes(await reason));
});

test("the server stops: the client notices, the server recovers", { apart: true }, async (t) => {
  const server = await t.start();
  const socket = await open(t, "/", { url: server.url, reconnection: false });
  await settled(t, socket);
  const reason = left(socket);
  server.signal("SIGSTOP");
  try {
    assert.equal(await reason, "ping timeout");
  } finally {
    server.signal("SIGCONT");
  }
  const again = await open(t, "/", { url: server.url });
  assert.deepEqual(await ask(again, "echo", "awake"), ["awake"]);
  await until("the old session to be gone", async () => (await server.stats()).sockets === 1);
});

test("not an Engine.IO packet", async (t) => {
  const socket = await member(t);
  const { id } = socket;
  const reason = left(socket);
  inject(socket, "not a packet");
  assert.deepEqual(await remembered(t, id), { reason: "parse error", rooms });
  assert.ok(["transport close", "transport error"].includes(await reason));
});

for (const text of ["49", '42{"not":"an event"}', '42["open', '451-["x",{"_placeholder":true,"num":7}]', '450-["x"]', "42[]"]) {
  test(`not a Socket.IO packet: ${text}`, async (t) => {
    const socket = await member(t);
    const { id } = socket;
    const reason = left(socket);
    inject(socket, ...(text.startsWith("451-") ? [text, binary(socket)] : [text]));
    const last = await remembered(t, id);
    assert.ok(last.reason === "forced close" || (overPolling(t) && last.reason === "forced server close"), last.reason);
    assert.deepEqual(last.rooms, rooms);
    assert.ok(["transport close", "transport error"].includes(await reason));
  });
}

test("a packet for a namespace not joined, while no poll is there to be told", { transports: ["polling"] }, async (t) => {
  const peer = await Peer.polling(t, "/socket.io/");
  await peer.post("40");
  const [connect] = await peer.packets(1);
  const { sid } = JSON.parse(connect.slice(2));
  await peer.post('42/custom,["x"]');
  assert.deepEqual(await remembered(t, sid), { reason: "forced server close", rooms: [] });
  // The close itself still waits for somebody to be told.
  assert.equal((await peer.poll()).body, "6\x1e1");
});

test("a ping in the wrong direction", async (t) => {
  const socket = await member(t);
  const { id } = socket;
  const reason = left(socket);
  if (LEGACY) {
    // A pong that nobody waits for. The servers of the 2.x line let it pass, the official one of today does not.
    if (process.env.SIO_INTEROP_REFERENCE) return;
    await inject(socket, "3");
    assert.deepEqual(await ask(socket, "echo", 1), [1]);
    return;
  }
  inject(socket, "2");
  assert.deepEqual(await remembered(t, id), { reason: "transport error", rooms });
  assert.ok(["transport close", "transport error"].includes(await reason));
});

test("a reconnection gets a fresh socket and sends what waited", async (t) => {
  const socket = await open(t);
  await ask(socket, "join", "old");
  const { id } = socket;
  const back = next(socket, "connect");
  const over = left(socket);
  socket.io.engine.close();
  await over;
  const answer = ask(socket, "echo", "waited");
  await within("the reconnection", back);
  assert.notEqual(socket.id, id);
  assert.deepEqual(await answer, ["waited"]);
  assert.deepEqual((await value(socket, "who")).rooms, []);
});

test("nothing is left of all those connections", async (t) => {
  await until("all sessions to end", async () => {
    const { engine, sockets } = await t.server.stats();
    return engine === 0 && sockets === 0;
  });
});
