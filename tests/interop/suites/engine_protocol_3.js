// Engine.IO revision 3, spoken by hand to the `conformance` server, with its exact times.

import assert from "node:assert/strict";
import vm from "node:vm";
import { Overtaken, sleep, test } from "../lib/kit.js";
import { exchange, websocket } from "../lib/raw.js";

const PATH = "/engine.io/";
const PING_INTERVAL = 300;
const PING_TIMEOUT = 200;
const MAX_PAYLOAD = 1_000_000;
const KEYS = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];
const BYTES = { "content-type": "application/octet-stream" };
const FORM = { "content-type": "application/x-www-form-urlencoded" };

/** Packets as text: a string's length is what this revision counts. */
const text = (...packets) => packets.map((packet) => `${packet.length}:${packet}`).join("");

/** Packets as bytes. */
const bytes = (...packets) =>
  Buffer.concat(
    packets.flatMap((packet) => {
      const kind = typeof packet === "string" ? 0 : 1;
      const data = Buffer.from(packet);
      const digits = [...String(data.length)].map(Number);
      return [Buffer.from([kind, ...digits, 255]), data];
    }),
  );

/** What a text body holds. */
function split(body) {
  const packets = [];
  for (let rest = body; rest; ) {
    const colon = rest.indexOf(":");
    const length = Number(rest.slice(0, colon));
    assert.ok(colon > 0 && colon + 1 + length <= rest.length, `no payload: ${body}`);
    packets.push(rest.slice(colon + 1, colon + 1 + length));
    rest = rest.slice(colon + 1 + length);
  }
  return packets;
}

class Peer {
  constructor(t, query = {}) {
    this.t = t;
    this.extra = query;
  }

  get query() {
    return { EIO: "3", transport: "polling", ...this.extra, sid: this.sid };
  }

  static async polling(t, query) {
    const peer = new Peer(t, query);
    const { status, body } = await peer.poll();
    assert.equal(status, 200);
    const [open, ...rest] = split(body);
    assert.equal(open[0], "0");
    assert.deepEqual(rest, []);
    peer.handshake = JSON.parse(open.slice(1));
    peer.sid = peer.handshake.sid;
    return peer;
  }

  poll(options) {
    return exchange(this.t, "GET", PATH, this.query, options);
  }

  post(body, headers = { "content-type": "text/plain;charset=UTF-8" }) {
    return exchange(this.t, "POST", PATH, this.query, { body, headers });
  }

  candidate(query) {
    return websocket(this.t, PATH, { ...this.query, transport: "websocket", ...query });
  }
}

async function direct(t, query) {
  const wire = await websocket(t, PATH, { EIO: "3", transport: "websocket", ...query });
  wire.handshake = JSON.parse((await wire.next()).slice(1));
  return wire;
}

const gone = async (peer) => assert.equal((await peer.poll()).status, 400);

async function probed(t) {
  const peer = await Peer.polling(t);
  const wire = await peer.candidate();
  wire.send("2probe");
  assert.equal(await wire.next(), "3probe");
  return { peer, wire };
}

test("handshake by polling", { server: {} }, async (t) => {
  const { handshake } = await Peer.polling(t);
  assert.deepEqual(Object.keys(handshake).sort(), KEYS);
  assert.deepEqual(handshake.upgrades, ["websocket"]);
  assert.equal(handshake.pingInterval, PING_INTERVAL);
  assert.equal(handshake.pingTimeout, PING_TIMEOUT);
});

test("handshake by WebSocket", async (t) => {
  const { handshake } = await direct(t);
  assert.deepEqual(Object.keys(handshake).sort(), KEYS);
  assert.deepEqual(handshake.upgrades, []);
});

test("lengths count UTF-16 code units", async (t) => {
  const peer = await Peer.polling(t);
  const packets = ["4schön", "4日本", "4🎈🎈", "4", "4\x1e\n\0", "43:4ab"];
  assert.equal((await peer.post(text(...packets))).body, "ok");
  const { body, headers } = await peer.poll();
  assert.deepEqual(split(body), packets);
  assert.match(headers["content-type"], /^text\/plain; charset=utf-8$/i);
});

test("bytes by polling: answered as bytes, text among them", async (t) => {
  const peer = await Peer.polling(t);
  const packets = ["4schön 🎈", Buffer.from([4, 1, 2, 3, 255])];
  assert.equal((await peer.post(bytes(...packets), BYTES)).body, "ok");
  const answer = await peer.poll();
  assert.equal(answer.headers["content-type"], "application/octet-stream");
  assert.deepEqual(answer.bytes, bytes(...packets));
  assert.equal((await peer.post(text("4text"))).body, "ok");
  assert.equal((await peer.poll()).body, text("4text"));
});

test("bytes by polling, for a client that takes none", async (t) => {
  const peer = await Peer.polling(t, { b64: "1" });
  await peer.post(text("b4AQIDBA==", "4a"));
  assert.equal((await peer.poll()).body, text("b4AQIDBA==", "4a"));
  await peer.post(bytes(Buffer.from([4, 1])), BYTES);
  assert.equal((await peer.poll()).body, text("b4AQ=="));
});

test("bytes by WebSocket have their type before them", async (t) => {
  const wire = await direct(t);
  wire.send("4hello", Buffer.from([4, 1, 2, 3]), "b4AQID", Buffer.from([4]));
  assert.equal(await wire.next(), "4hello");
  assert.deepEqual(await wire.next(), Buffer.from([4, 1, 2, 3]));
  assert.deepEqual(await wire.next(), Buffer.from([4, 1, 2, 3]));
  assert.deepEqual(await wire.next(), Buffer.from([4]));
});

test("bytes by WebSocket, for a client that takes none", async (t) => {
  const wire = await direct(t, { b64: "1" });
  wire.send(Buffer.from([4, 1, 2, 3]));
  assert.equal(await wire.next(), "b4AQID");
});

test("bytes of no known type are nobody's, and no fault", async (t) => {
  const wire = await direct(t);
  wire.send(Buffer.from([9, 1]), Buffer.from([]), Buffer.from("4a"), "4still here");
  assert.equal(await wire.next(), "4still here");
});

test("the client pings by polling", { server: {} }, async (t) => {
  const peer = await Peer.polling(t);
  for (let i = 0; i < 3; i++) {
    await sleep(PING_INTERVAL);
    await peer.post(text("2"));
    assert.equal((await peer.poll()).body, text("3"));
  }
});

test("the client pings by WebSocket, and its data is not echoed", { server: {} }, async (t) => {
  const wire = await direct(t);
  for (const ping of ["2", "2probe", "2data"]) {
    await sleep(PING_INTERVAL);
    wire.send(ping);
    assert.equal(await wire.next(), "3");
  }
});

test("any packet is a sign of life", { server: {} }, async (t) => {
  const wire = await direct(t);
  for (let i = 0; i < 4; i++) {
    await sleep(PING_INTERVAL);
    wire.send("4alive");
    assert.equal(await wire.next(), "4alive");
  }
});

test("no packet by polling: gone when interval and time-out have passed", { server: {} }, async (t) => {
  const peer = await Peer.polling(t);
  await sleep(PING_INTERVAL + PING_TIMEOUT);
  const { status, body } = await peer.poll();
  assert.ok(status === 400 || body === text("1"), `${status} ${body}`);
});

test("no packet while a poll waits: it is answered with a close", { server: {} }, async (t) => {
  const begun = performance.now();
  const peer = await Peer.polling(t);
  assert.equal((await peer.poll()).body, text("1"));
  assert.ok(performance.now() - begun > PING_INTERVAL + PING_TIMEOUT - 100, "too early");
  await gone(peer);
});

test("no packet by WebSocket: closed", { server: {} }, async (t) => {
  const begun = performance.now();
  const wire = await direct(t);
  assert.equal((await wire.end()).code, 1005);
  assert.ok(performance.now() - begun > PING_INTERVAL + PING_TIMEOUT - 100, "too early");
});

test("upgrade: probe, a noop for the poll, and the session moves", async (t) => {
  const { peer, wire } = await probed(t);
  assert.equal((await peer.poll()).body, text("6"));
  await peer.post(text("4by polling"));
  wire.send("5", "4by websocket");
  assert.equal(await wire.next(), "4by polling");
  assert.equal(await wire.next(), "4by websocket");
  await gone(peer);
});

test("upgrade: the heartbeat is the client's afterwards, too, and its end is noticed", { server: {} }, async (t) => {
  const { wire } = await probed(t);
  wire.send("5");
  await sleep(PING_INTERVAL);
  const begun = performance.now();
  wire.send("2");
  assert.equal(await wire.next(), "3");
  assert.equal((await wire.end()).code, 1005);
  assert.ok(performance.now() - begun > PING_INTERVAL + PING_TIMEOUT - 100, "too early");
});

test("upgrade: bytes go as the WebSocket takes them", async (t) => {
  for (const [b64, expected] of [
    [undefined, Buffer.from([4, 1])],
    ["1", "b4AQ=="],
  ]) {
    const peer = await Peer.polling(t, { b64: "1" });
    const wire = await peer.candidate({ b64 });
    wire.send("2probe");
    assert.equal(await wire.next(), "3probe");
    wire.send("5", Buffer.from([4, 1]));
    assert.deepEqual(await wire.next(), expected);
  }
});

test("upgrade: by another revision it is none", async (t) => {
  const peer = await Peer.polling(t);
  const wire = await peer.candidate({ EIO: "4" });
  wire.send("2probe");
  await wire.end();
  assert.equal((await peer.post(text("4still here"))).status, 200);
});

test("a request of another revision disturbs nothing", async (t) => {
  const peer = await Peer.polling(t);
  for (const method of ["GET", "POST"]) {
    const { status, body } = await exchange(t, method, PATH, { ...peer.query, EIO: "4" }, { body: method === "POST" ? "4a" : undefined });
    assert.deepEqual([status, JSON.parse(body).code], [400, 3]);
  }
  assert.equal((await peer.post(text("4still here"))).status, 200);
});

for (const body of ["abc", "", "2:4", "1:4x", "9:4abc", "-1:4", "2:4🎈", "4a\x1e4b"]) {
  test(`not a payload: ${JSON.stringify(body)}`, async (t) => {
    const peer = await Peer.polling(t);
    assert.equal((await peer.post(body)).status, 400);
    await gone(peer);
  });
}

test("what stands before a fault is delivered", async (t) => {
  const peer = await Peer.polling(t);
  const waiting = peer.poll();
  await sleep(20);
  assert.equal((await peer.post("2:4a9:4b")).status, 400);
  const { status, body } = await waiting;
  if (status === 400) throw new Overtaken();
  assert.equal(body, text("4a"));
  await gone(peer);
});

test("close packets", async (t) => {
  const peer = await Peer.polling(t);
  const waiting = peer.poll();
  await sleep(20);
  assert.equal((await peer.post(text("1"))).body, "ok");
  const { status, body } = await waiting;
  if (status === 400) throw new Overtaken();
  assert.equal(body, text("6"));
  await gone(peer);
});

test("a second poll ends both and the session", async (t) => {
  const peer = await Peer.polling(t);
  const first = peer.poll();
  await sleep(20);
  const { status } = await peer.poll();
  if (status === 200) throw new Overtaken();
  assert.equal(status, 400);
  assert.equal((await first).body, text("1"));
  await gone(peer);
});

test("a body of exactly the largest size passes, one byte more does not", async (t) => {
  const largest = text(`4${"x".repeat(MAX_PAYLOAD - 8)}`);
  assert.equal(largest.length, MAX_PAYLOAD);
  const peer = await Peer.polling(t);
  assert.equal((await peer.post(largest)).status, 200);
  assert.equal((await peer.poll()).body, largest);
  const { status, body } = await peer.post(`${largest}1`);
  assert.deepEqual([status, body], [413, ""]);
});

/** Runs a script as a page of such a client does; what was called, by index. */
function run(script) {
  const called = [];
  const calls = new Proxy({}, { get: (_, index) => (payload) => called.push([index, payload]) });
  vm.runInNewContext(script, { ___eio: calls });
  return called;
}

test("JSONP: polls are scripts, POSTs are forms", async (t) => {
  const peer = new Peer(t, { b64: "1", j: "0" });
  const opened = await peer.poll();
  assert.match(opened.headers["content-type"], /^text\/javascript\b/);
  assert.equal(opened.headers["x-content-type-options"], "nosniff");
  const [[index, payload]] = run(opened.body);
  assert.equal(index, "0");
  const [open] = split(payload);
  peer.sid = JSON.parse(open.slice(1)).sid;

  // Newlines do not survive a form: `\n` stands for one, `\\n` for what looks like it.
  const message = '4</script>\u2028\u2029\n\\n"🎈';
  const written = text(message, "b4AQID").replace(/\\n/g, "\\\\n").replace(/\n/g, "\\n");
  const form = new URLSearchParams({ d: written }).toString();
  assert.equal((await peer.post(form, FORM)).body, "ok");
  peer.extra.j = "1";
  const { body } = await peer.poll();
  assert.deepEqual(run(body), [["1", text(message, "b4AQID")]]);
  assert.doesNotMatch(body, /<\/script|[\u2028\u2029]/);
});

test("JSONP: a session that was opened with bytes is still given text", async (t) => {
  const peer = await Peer.polling(t);
  await peer.post(text("4a", "b4AQID"));
  peer.extra = { j: "7" };
  assert.deepEqual(run((await peer.poll()).body), [["7", text("4a", "b4AQID")]]);
});

test("JSONP: only digits stand between the brackets", async (t) => {
  const peer = new Peer(t, { j: "0](alert(1));//\r\nx: y" });
  const { body, headers } = await peer.poll();
  assert.ok(body.startsWith('___eio[01]("'), body);
  assert.equal(headers.x, undefined);
});
