// Engine.IO revision 4, spoken by hand to the `conformance` server, with its exact times.

import assert from "node:assert/strict";
import { Overtaken, sleep, test, until } from "../lib/kit.js";
import { Peer, direct, exchange, websocket } from "../lib/raw.js";

const PATH = "/engine.io/";
const PING_INTERVAL = 300;
const PING_TIMEOUT = 200;
const MAX_PAYLOAD = 1_000_000;
const KEYS = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];

const gone = async (peer) => assert.equal((await peer.poll()).status, 400);

/** Its id is nobody's any more. Were it, a second GET beside the first would get 400, too, without a word. */
const unknown = async (peer) => {
  const { status, body } = await peer.poll();
  if (status === 400 && body === "") throw new Overtaken();
  assert.deepEqual([status, JSON.parse(body).code], [400, 1]);
};

/**
 * It is, or it ends while the poll waits. Timers of a busy machine are late: a ping that leaves only now has its
 * time-out still before it. That they are not is shown where time is virtual.
 */
const ended = async (peer, { pinged }) => {
  let { status, body } = await peer.poll();
  if (!pinged && body === "2") ({ status, body } = await peer.poll());
  assert.ok(status === 400 || body === "1", `${status} ${body}`);
};

test("handshake by polling", { server: {} }, async (t) => {
  const peer = await Peer.polling(t, PATH);
  assert.deepEqual(Object.keys(peer.handshake).sort(), KEYS);
  const { sid, ...rest } = peer.handshake;
  assert.match(sid, /^[\w-]{20,}$/);
  assert.deepEqual(rest, {
    upgrades: ["websocket"],
    pingInterval: PING_INTERVAL,
    pingTimeout: PING_TIMEOUT,
    maxPayload: MAX_PAYLOAD,
  });
});

test("handshake by WebSocket", async (t) => {
  const { handshake } = await direct(t, PATH);
  assert.deepEqual(Object.keys(handshake).sort(), KEYS);
  assert.deepEqual(handshake.upgrades, []);
  assert.equal(handshake.maxPayload, MAX_PAYLOAD);
});

for (const [what, query] of [
  ["no revision", { transport: "polling" }],
  ["a revision that is no number", { EIO: "abc", transport: "polling" }],
  ["a revision of the future", { EIO: "5", transport: "polling" }],
  ["no transport", { EIO: "4" }],
  ["an unknown transport", { EIO: "4", transport: "abc" }],
  ["a transport that every object has", { EIO: "4", transport: "__proto__" }],
]) {
  test(`refused by polling: ${what}`, async (t) => {
    assert.equal((await exchange(t, "GET", PATH, query)).status, 400);
  });
  test(`refused by WebSocket: ${what}`, async (t) => {
    const asked = { ...query, ...(query.transport === "polling" && { transport: "websocket" }) };
    await assert.rejects(websocket(t, PATH, asked).then((wire) => wire.end().then(() => Promise.reject(new Error("closed")))));
  });
}

for (const method of ["POST", "PUT", "DELETE"]) {
  test(`${method} cannot open a session`, async (t) => {
    assert.equal((await exchange(t, method, PATH, { EIO: "4", transport: "polling" })).status, 400);
  });
}

test("an unknown session is refused in words", async (t) => {
  const { status, body } = await exchange(t, "GET", PATH, { EIO: "4", transport: "polling", sid: "unknown" });
  assert.equal(status, 400);
  assert.deepEqual(JSON.parse(body), { code: 1, message: "Session ID unknown" });
});

test("paths are compared by whole segments", async (t) => {
  for (const path of ["/engine.ioo/", "/engine.io-admin/", "/other/"]) {
    assert.equal((await exchange(t, "GET", path, { EIO: "4", transport: "polling" })).status, 404);
  }
});

test("a POST is answered ok", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const { status, body } = await peer.post("4message");
  assert.deepEqual([status, body], [200, "ok"]);
});

test("a poll is plain text in UTF-8", async (t) => {
  const peer = await Peer.polling(t, PATH);
  await peer.post("4schön 日本 🎈");
  const { headers, body } = await peer.poll();
  assert.equal(body, "4schön 日本 🎈");
  assert.match(headers["content-type"], /^text\/plain; charset=utf-8$/i);
  assert.equal(Number(headers["content-length"]), Buffer.byteLength(body));
});

test("all packets that are ready come in one reply", async (t) => {
  const peer = await Peer.polling(t, PATH);
  assert.equal((await peer.post("4one\x1e4two\x1e4three")).body, "ok");
  const { status, body } = await peer.poll();
  assert.deepEqual([status, body], [200, "4one\x1e4two\x1e4three"]);
});

test("binary by polling is base64", async (t) => {
  const peer = await Peer.polling(t, PATH);
  await peer.post("4text\x1ebAQIDBA==");
  assert.equal((await peer.poll()).body, "4text\x1ebAQIDBA==");
});

test("text and binary by WebSocket", async (t) => {
  const wire = await direct(t, PATH);
  wire.send("4hello", Buffer.from([1, 2, 3, 4]), "4");
  assert.equal(await wire.heard(), "4hello");
  assert.deepEqual(await wire.heard(), Buffer.from([1, 2, 3, 4]));
  assert.equal(await wire.heard(), "4");
});

test("a waiting poll is answered as soon as there is something", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const waiting = peer.poll();
  await sleep(20);
  await peer.post("4now");
  assert.equal((await waiting).body, "4now");
});

test("heartbeat by polling: not at once, and its poll holds nothing else", { server: {} }, async (t) => {
  let begun = performance.now();
  const peer = await Peer.polling(t, PATH);
  for (let i = 0; i < 3; i++) {
    const { body } = await peer.poll();
    assert.equal(body, "2");
    assert.ok(performance.now() - begun > PING_INTERVAL - 100, "too early");
    begun = performance.now();
    assert.equal((await peer.post("3")).status, 200);
  }
});

test("heartbeat by WebSocket", { server: {} }, async (t) => {
  let begun = performance.now();
  const wire = await direct(t, PATH);
  for (let i = 0; i < 3; i++) {
    assert.equal(await wire.next(), "2");
    assert.ok(performance.now() - begun > PING_INTERVAL - 100, "too early");
    begun = performance.now();
    wire.send("3");
  }
});

test("no pong by polling: gone when interval and time-out have passed", { server: {} }, async (t) => {
  const peer = await Peer.polling(t, PATH);
  await sleep(PING_INTERVAL + PING_TIMEOUT);
  await ended(peer, { pinged: false });
});

test("no pong by polling, the ping having been fetched", { server: {} }, async (t) => {
  const peer = await Peer.polling(t, PATH);
  assert.equal((await peer.poll()).body, "2");
  await sleep(PING_TIMEOUT);
  await ended(peer, { pinged: true });
});

test("no pong by WebSocket: closed", { server: {} }, async (t) => {
  const begun = performance.now();
  const wire = await direct(t, PATH);
  assert.equal(await wire.next(), "2");
  await wire.end();
  assert.ok(performance.now() - begun > PING_INTERVAL + PING_TIMEOUT - 100, "too early");
});

test("a pong too many does no harm", async (t) => {
  const wire = await direct(t, PATH);
  wire.send("3", "3", "3", "4still here");
  assert.equal(await wire.heard(), "4still here");
});

for (const packet of ["abc", "", "9", "b!!!"]) {
  test(`not a packet, by POST: ${JSON.stringify(packet)}`, async (t) => {
    const peer = await Peer.polling(t, PATH);
    const { status } = await peer.post(packet);
    assert.ok(status === 200 || status === 400, `${status}`);
    if (packet !== "b!!!") await gone(peer); // a lenient base64 decoder is allowed
  });
}

test("not a packet, by WebSocket", async (t) => {
  const wire = await direct(t, PATH);
  wire.send("abc");
  await wire.end();
});

test("a second poll ends both and the session", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const first = peer.poll();
  await sleep(20);
  const second = await peer.poll();
  if (second.status === 200) throw new Overtaken();
  assert.ok([400, 500].includes(second.status), `${second.status}`);
  const { status, body } = await first;
  assert.deepEqual([status, body], [200, "1"]);
  await gone(peer);
});

test("a poll that its client drops ends the session within 5 ms", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const dropped = new AbortController();
  const poll = peer.poll({ signal: dropped.signal });
  await sleep(20);
  dropped.abort();
  await assert.rejects(poll);
  await sleep(5);
  await unknown(peer);
});

test("a close packet frees the waiting poll and ends the session", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const waiting = peer.poll();
  await sleep(20);
  const { status, body } = await peer.post("1");
  assert.deepEqual([status, body], [200, "ok"]);
  const answer = await waiting;
  if (answer.status === 400) throw new Overtaken();
  assert.deepEqual([answer.status, answer.body], [200, "6"]);
  await gone(peer);
});

test("a close packet by WebSocket ends it", async (t) => {
  const wire = await direct(t, PATH);
  wire.send("1");
  await wire.end();
});

test("a WebSocket's session cannot be polled", async (t) => {
  const { handshake } = await direct(t, PATH);
  const peer = new Peer(t, PATH);
  peer.sid = handshake.sid;
  await gone(peer);
});

async function probed(t) {
  const peer = await Peer.polling(t, PATH);
  const wire = await peer.candidate();
  wire.send("2probe");
  assert.equal(await wire.heard(), "3probe");
  return { peer, wire };
}

async function upgraded(t) {
  const { peer, wire } = await probed(t);
  wire.send("5", "4hello");
  assert.equal(await wire.heard(), "4hello");
  return { peer, wire };
}

test("upgrade: probe, a noop for the poll, and the session moves", async (t) => {
  const { peer, wire } = await probed(t);
  const { status, body } = await peer.poll();
  assert.deepEqual([status, body], [200, "6"]);
  wire.send("5");
  await sleep(20);
  await gone(peer);
  assert.equal((await peer.post("4late")).status, 400);
  wire.send("4hello");
  assert.equal(await wire.heard(), "4hello");
});

test("upgrade: a poll that waits while it begins is freed", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const waiting = peer.poll();
  await sleep(20);
  const wire = await peer.candidate();
  wire.send("2probe");
  assert.equal(await wire.heard(), "3probe");
  assert.equal((await waiting).body, "6");
});

test("upgrade: the end of it and the next message in one read", async (t) => {
  const { wire } = await probed(t);
  wire.sendTogether("5", "4hello", "4again");
  assert.equal(await wire.heard(), "4hello");
  assert.equal(await wire.heard(), "4again");
});

test("upgrade: what was sent by polling meanwhile arrives first", async (t) => {
  const { peer, wire } = await probed(t);
  await peer.post("4by polling");
  wire.send("5", "4by websocket");
  assert.equal(await wire.heard(), "4by polling");
  assert.equal(await wire.heard(), "4by websocket");
});

test("upgrade: a second WebSocket is closed, the first goes on", async (t) => {
  const { peer, wire } = await upgraded(t);
  const second = await peer.candidate();
  await second.end();
  wire.send("4still mine");
  assert.equal(await wire.heard(), "4still mine");
});

test("upgrade: a second candidate is closed, the first completes", async (t) => {
  const { peer, wire } = await probed(t);
  const second = await peer.candidate();
  await second.end();
  wire.send("5", "4mine");
  assert.equal(await wire.heard(), "4mine");
});

test("upgrade: a candidate that says something else is closed, the session stays", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const wire = await peer.candidate();
  wire.send("4too early");
  await wire.end();
  await peer.post("4by polling");
  assert.equal((await peer.poll()).body, "4by polling");
});

test("upgrade: a candidate that goes away leaves the session, and another may come", async (t) => {
  const { peer, wire } = await probed(t);
  wire.socket.terminate();
  await wire.end();
  await peer.post("4by polling");
  assert.deepEqual(await peer.packets(1), ["4by polling"]);
  const again = await until("the server to notice", async () => {
    const next = await peer.candidate();
    next.send("2probe");
    const answer = await next.heard().catch(() => undefined);
    return answer === "3probe" && next;
  });
  again.send("5", "4moved");
  assert.equal(await again.heard(), "4moved");
});

test("upgrade: for an unknown session it is refused", async (t) => {
  await assert.rejects(websocket(t, PATH, { EIO: "4", transport: "websocket", sid: "unknown" }), { status: 400 });
});

test("upgrade: the heartbeat goes on afterwards", { server: {} }, async (t) => {
  const { wire } = await upgraded(t);
  assert.equal(await wire.next(), "2");
  wire.send("3");
  assert.equal(await wire.next(), "2");
  await wire.end();
});

test("a body of exactly the largest size passes", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const message = `4${"x".repeat(MAX_PAYLOAD - 1)}`;
  assert.equal((await peer.post(message)).status, 200);
  assert.equal((await peer.poll()).body, message);
});

test("a body one byte larger is answered 413 and nothing", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const { status, body } = await peer.post(`4${"x".repeat(MAX_PAYLOAD)}`);
  assert.deepEqual([status, body], [413, ""]);
});

test("a frame of exactly the largest size passes, one byte more closes with 1009", async (t) => {
  const wire = await direct(t, PATH);
  const message = `4${"x".repeat(MAX_PAYLOAD - 1)}`;
  wire.send(message);
  assert.equal(await wire.heard(), message);
  wire.send(`${message}x`);
  assert.deepEqual(await wire.end(), { code: 1009, reason: "" });
});
