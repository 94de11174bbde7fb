// Input that breaks rules, by hand, against the `interop` server: each ends as it should, the process lives on and
// keeps nothing. Some of it the official server answers otherwise (it accepts more), so this suite is for ours alone.

import assert from "node:assert/strict";
import net from "node:net";
import { Overtaken, sleep, test, until, within } from "../lib/kit.js";
import { Peer, direct, exchange, websocket } from "../lib/raw.js";

const ENGINE = "/engine.io/";
const SOCKET = "/socket.io/";
const MAX_PAYLOAD = 100_000;
const polling = { EIO: "4", transport: "polling" };

/** What becomes of a session after a body: its status, and whether messages still come back. */
async function posted(t, body, headers) {
  const peer = await Peer.polling(t, ENGINE);
  const { status } = await peer.post(body, headers);
  const alive = await peer.post("4alive");
  if (alive.status !== 200) return { status, fate: "closed" };
  const seen = await peer.packets(1);
  return { status, fate: seen.at(-1) === "4alive" ? "lives" : seen };
}

for (const [what, body, status, fate, headers] of [
  ["an empty body", "", 400, "closed"],
  ["separators only", "\x1e\x1e", 400, "closed"],
  ["a separator at the end", "3\x1e", 400, "closed"],
  ["a packet type out of range", "9x", 400, "closed"],
  ["letters", "abc", 400, "closed"],
  ["base64 with foreign characters", "b!!!!", 400, "closed"],
  ["invalid UTF-8", Buffer.from([0x34, 0xff, 0xfe]), 400, "closed"],
  ["octets under revision 4", Buffer.from([0x34, 0x61]), 400, "closed", { "content-type": "application/octet-stream" }],
  ["a compressed body", "4x", 415, undefined, { "content-type": "text/plain", "content-encoding": "gzip" }],
  ["a ping in the wrong direction", "2", undefined, "closed"],
  ["an open packet", "0{}", 200, "lives"],
  ["an upgrade packet", "5", 200, "lives"],
  ["a noop", "6", 200, "lives"],
  ["pongs that nobody asked for", "3\x1e3\x1e3", 200, "lives"],
]) {
  test(`POST: ${what}`, async (t) => {
    const seen = await posted(t, body, headers);
    if (status) assert.equal(seen.status, status);
    if (fate) assert.equal(seen.fate, fate);
  });
}

test("POST: what stands before a fault is delivered", async (t) => {
  const listener = await direct(t, SOCKET);
  listener.send("40");
  await listener.next();
  const peer = await Peer.polling(t, SOCKET);
  await peer.post("40");
  await peer.packets(1);
  await peer.post('42["shout","last words"]\x1eabc\x1e42["shout","too late"]');
  assert.equal(await listener.next(), '42["shouted","last words"]');
  assert.equal((await peer.poll()).status, 400);
  listener.send('421["echo"]');
  assert.equal(await listener.next(), "431[]");
});

test("POST: base64 without padding", async (t) => {
  const peer = await Peer.polling(t, ENGINE);
  assert.equal((await peer.post("bAQ")).status, 200);
  assert.deepEqual(await peer.packets(1), ["bAQ=="]);
});

test("POST: more than the limit, with a length and in chunks", async (t) => {
  for (const chunked of [false, true]) {
    const peer = await Peer.polling(t, ENGINE);
    const body = `4${"x".repeat(MAX_PAYLOAD)}`;
    const headers = chunked ? { "transfer-encoding": "chunked" } : { "content-length": String(body.length) };
    const { status, body: answer } = await peer.post(body, { "content-type": "text/plain", ...headers });
    assert.deepEqual([status, answer], [413, ""]);
    assert.equal((await peer.poll()).status, 400, "a lost POST is a hole in the stream");
  }
});

test("POST: two at once end the session", async (t) => {
  const peer = await Peer.polling(t, ENGINE);
  const socket = net.connect(t.server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  socket.on("error", () => {});
  const path = `${ENGINE}?EIO=4&transport=polling&sid=${peer.sid}`;
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n4ha`);
  await sleep(50);
  const { status } = await peer.post("4second");
  if (status === 200) throw new Overtaken();
  assert.equal(status, 400);
  assert.equal((await peer.poll()).status, 400);
});

test("POST: half a body and then nothing more ends the session", async (t) => {
  const peer = await Peer.polling(t, ENGINE);
  const socket = net.connect(t.server.port, "127.0.0.1");
  const path = `${ENGINE}?EIO=4&transport=polling&sid=${peer.sid}`;
  socket.write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n4ha`);
  await sleep(50);
  socket.destroy();
  const { status, body } = await peer.poll();
  assert.ok(status === 400 || body === "1", `${status} ${body}`);
});

for (const [what, query, code] of [
  ["an empty sid", [["EIO", "4"], ["transport", "polling"], ["sid", ""]], 1],
  ["an unknown sid", [["EIO", "4"], ["transport", "polling"], ["sid", "AAAAAAAAAAAAAAAAAAAA"]], 1],
  ["a sid with line breaks", [["EIO", "4"], ["transport", "polling"], ["sid", "a\r\nSet-Cookie: x=1"]], 1],
  ["no transport", [["EIO", "4"]], 0],
  ["a transport that every object has", [["EIO", "4"], ["transport", "__proto__"]], 0],
  ["websocket without an upgrade", [["EIO", "4"], ["transport", "websocket"]], 3],
  ["a repeated revision", [["EIO", "4"], ["EIO", "3"], ["transport", "polling"]], undefined],
  ["a repeated transport", [["EIO", "4"], ["transport", "polling"], ["transport", "websocket"]], undefined],
]) {
  test(`GET: ${what}`, async (t) => {
    const search = new URLSearchParams(query).toString();
    const response = await fetch(`${t.server.url}${ENGINE}?${search}`);
    assert.equal(response.status, 400);
    const body = await response.json();
    if (code !== undefined) assert.equal(body.code, code);
    assert.equal(typeof body.message, "string");
    assert.equal(response.headers.get("set-cookie"), null);
  });
}

test("PUT and DELETE leave the session alone", async (t) => {
  const peer = await Peer.polling(t, ENGINE);
  for (const method of ["PUT", "DELETE"]) {
    const { status, body } = await exchange(t, method, ENGINE, peer.query);
    assert.equal(status, 400);
    assert.equal(JSON.parse(body).code, 2);
  }
  await peer.post("4alive");
  assert.deepEqual(await peer.packets(1), ["4alive"]);
});

/** Writes bytes to the port and reads until the other side ends, or for a moment. */
function raw(t, text) {
  const socket = net.connect(t.server.port, "127.0.0.1");
  t.after(() => socket.destroy());
  let seen = "";
  socket.on("data", (chunk) => (seen += chunk.toString("latin1")));
  socket.on("error", () => {});
  socket.write(text);
  return new Promise((resolve) => {
    const done = () => resolve(seen);
    socket.on("close", done);
    socket.on("data", () => seen.includes("\r\n\r\n") && setTimeout(done, 50));
    setTimeout(done, 1000);
  });
}

const upgrade = ({ upgrade = "websocket", connection = "Upgrade", version = "13", key = "AAAAAAAAAAAAAAAAAAAAAA==" } = {}) =>
  [
    `GET ${ENGINE}?EIO=4&transport=websocket HTTP/1.1`,
    "Host: localhost",
    ...(upgrade ? [`Upgrade: ${upgrade}`] : []),
    ...(connection ? [`Connection: ${connection}`] : []),
    ...(version ? [`Sec-WebSocket-Version: ${version}`] : []),
    ...(key ? [`Sec-WebSocket-Key: ${key}`] : []),
    "",
    "",
  ].join("\r\n");

for (const [what, request, status] of [
  ["a good one", upgrade(), 101],
  ["no Upgrade header", upgrade({ upgrade: "" }), 400],
  ["another protocol", upgrade({ upgrade: "h2c" }), 400],
  ["version 8", upgrade({ version: "8" }), 426],
  ["no version", upgrade({ version: "" }), [400, 426]],
  ["a short key", upgrade({ key: "abc" }), 400],
  ["no key", upgrade({ key: "" }), 400],
  ["a key of 16 bytes too many", upgrade({ key: "A".repeat(42) + "==" }), 400],
]) {
  test(`upgrade: ${what}`, async (t) => {
    const answer = await raw(t, request);
    const [, seen] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? [];
    assert.ok([status].flat().includes(Number(seen)), answer.slice(0, 200));
  });
}

for (const [what, bytes] of [
  ["not HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello hello hello\r\n\r\n"],
  ["a bad percent-encoding", `GET ${ENGINE}?EIO=4&transport=%zz HTTP/1.1\r\nHost: x\r\n\r\n`],
  ["a head without end", `GET ${ENGINE}?EIO=4&transport=polling HTTP/1.1\r\nX: ${"y".repeat(40_000)}\r\n\r\n`],
  ["a thousand headers", `GET ${ENGINE}?EIO=4&transport=polling HTTP/1.1\r\n${"A: b\r\n".repeat(1000)}\r\n`],
  ["two lengths", `POST ${ENGINE}?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n4x`],
  ["a chunk of a negative size", `POST ${ENGINE}?EIO=4&transport=polling HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n`],
]) {
  test(`the wire: ${what}`, async (t) => {
    const answer = await raw(t, bytes);
    assert.ok(answer === "" || /^HTTP\/1\.1 4\d\d/.test(answer), answer.slice(0, 100));
    assert.equal(await t.server.get("/health"), "ok");
  });
}

/** What becomes of a member of `/` that sends these frames. */
async function fate(t, frames) {
  const wire = await direct(t, SOCKET);
  wire.send("40");
  assert.match(await wire.next(), /^40\{"sid"/);
  wire.send(...frames, '4299["echo","alive"]');
  const seen = [];
  for (;;) {
    const frame = await wire.next().catch(() => undefined);
    if (frame === undefined) {
      const { code } = await wire.end();
      return { fate: "closed", code, seen };
    }
    if (frame === '4399["alive"]') return { fate: "lives", seen };
    seen.push(frame);
  }
}

const BYTES = Buffer.from([1, 2, 3]);
const placeholder = (num) => `{"_placeholder":true,"num":${num}}`;

for (const [what, frames, expected] of [
  ["an empty message", ["4"], "closed"],
  ["a type out of range", ["9"], "closed"],
  ["an empty frame", [""], "closed"],
  ["a multi-byte first character", ["€abc"], "closed"],
  ["a ping in the wrong direction", ["2"], "closed"],
  ["a probe outside an upgrade", ["2probe"], "closed"],
  ["an open packet", ["0{}"], "lives"],
  ["an upgrade packet", ["5"], "lives"],
  ["a noop", ["6"], "lives"],
  ["pongs that nobody asked for", Array(1000).fill("3"), "lives"],
  ["CONNECT twice", ["40"], "closed"],
  ["CONNECT with a string", ['40/custom,"x"'], "closed"],
  ["CONNECT with a list", ["40/custom,[1]"], "closed"],
  ["CONNECT with broken JSON", ['40/custom,{"a":'], "closed"],
  ["an unknown namespace", ["40/nowhere"], "lives"],
  ["a namespace of 100 kB", [`40/${"n".repeat(90_000)}`], "closed"],
  ["an event for a namespace never joined", ['42/custom,["x"]'], "closed"],
  ["leaving a namespace never joined", ["41/custom,"], "closed"],
  ["CONNECT_ERROR from a client", ['44{"message":"x"}'], "closed"],
  ["type 7", ["47"], "closed"],
  ["no type", ["4x"], "closed"],
  ["an event without data", ["42"], "lives"],
  ["an event without a name", ["42[]"], "closed"],
  ["a name that is null", ["42[null]"], "closed"],
  ["a name that is true", ['42[true,"foo"]'], "closed"],
  ["a name that is an object", ['42[{"toString":"foo"}]'], "closed"],
  ["data that is an object", ["42{}"], "closed"],
  ["a name that is a number", ["42[1]"], "lives"],
  ["a name of 90 kB", [`42["${"n".repeat(90_000)}"]`], "closed"],
  ["a reserved name: connect", ['42["connect"]'], "closed"],
  ["a reserved name: disconnecting", ['42["disconnecting","x"]'], "closed"],
  ["a name of JavaScript's own", ['42["newListener"]'], "lives"],
  ["an event called error", ['42["error","x"]'], "lives"],
  ["more after the list", ['42["x"]garbage'], "closed"],
  ["broken JSON", ['42["x",'], "closed"],
  ["ten thousand arguments", [`42["x"${",1".repeat(10_000)}]`], "closed"],
  ["an ack id of 25 digits", [`42${"1".repeat(25)}["echo"]`], "closed"],
  ["an ack id of 2^64 - 1", ['4218446744073709551615["echo"]'], "closed"],
  ["an ack id after a space", ['42 1["echo"]'], "closed"],
  ["an ack without id", ['43["x"]'], "lives"],
  ["an ack that is an object", ["431{}"], "closed"],
  ["an ack that nobody waits for", ["4312345[]"], "lives"],
  ["an ack with binary that nobody waits for", [`461-12345[${placeholder(0)}]`, BYTES], "lives"],
  ["no attachments announced", ['450-["x"]'], "closed"],
  ["11 attachments announced", ['4511-["x"]'], "closed"],
  ["10^9 attachments announced", ['451000000000-["x"]'], "closed"],
  ["-1 attachments announced", ['45-1-["x"]'], "closed"],
  ["1e0 attachments announced", [`451e0-["x",${placeholder(0)}]`, BYTES], "closed"],
  ["attachments without a number", ['45-["x"]'], "closed"],
  ["attachments without a dash", ['451["x"]'], "closed"],
  ["a placeholder out of range", [`451-["x",${placeholder(9)}]`, BYTES], "closed"],
  ["a placeholder below zero", [`451-["x",${placeholder(-1)}]`, BYTES], "closed"],
  ["half a placeholder", [`451-["x",${placeholder(0.5)}]`, BYTES], "closed"],
  ["a placeholder that is a string", [`451-["x",${placeholder('"splice"')}]`, BYTES], "closed"],
  ["a placeholder without a number", ['451-["x",{"_placeholder":true}]', BYTES], "closed"],
  ["a placeholder used twice", [`451-["x",${placeholder(0)},${placeholder(0)}]`, BYTES], "lives"],
  ["an attachment that is never used", ['451-["x"]', BYTES], "lives"],
  ["a placeholder in a plain event", [`42["x",${placeholder(0)}]`], "lives"],
  ["an attachment nobody announced", [BYTES], "closed"],
  ["text in the place of an attachment", [`451-["x",${placeholder(0)}]`, '42["x"]'], "closed"],
  ["a second binary packet within the first", [`451-["x",${placeholder(0)}]`, `451-["x",${placeholder(0)}]`], "closed"],
  ["an argument nested 1 000 deep", [`42["echo",${"[".repeat(1000)}${"]".repeat(1000)}]`], "closed"],
  ["an argument nested 30 000 deep", [`42["echo",${"[".repeat(30_000)}${"]".repeat(30_000)}]`], "closed"],
  ["objects nested 9 000 deep", [`42["echo",${'{"a":'.repeat(9_000)}1${"}".repeat(9_000)}]`], "closed"],
  ["an argument nested 100 deep", [`42["echo",${"[".repeat(100)}${"]".repeat(100)}]`], "lives"],
  ["a number too large for a double", ['42["echo",1e400]'], "lives"],
  ["keys twice, and one of every object", ['42["echo",{"a":1,"a":2,"__proto__":{"x":1}}]'], "lives"],
]) {
  test(`a member's frame: ${what}`, async (t) => {
    assert.equal((await fate(t, frames)).fate, expected);
    assert.equal(await t.server.get("/health"), "ok");
  });
}

test("an ack id keeps its value", async (t) => {
  for (const [id, answer] of [["0", "0"], ["007", "7"], [String(2 ** 53 - 1), String(2 ** 53 - 1)]]) {
    const { fate: end, seen } = await fate(t, [`42${id}["echo",1]`]);
    assert.deepEqual([end, seen], ["lives", [`43${answer}[1]`]]);
  }
});

test("numbers come back digit by digit", async (t) => {
  const numbers = "18446744073709551615,-9223372036854775808,0.1,1e-7,123456789012345678";
  const { seen } = await fate(t, [`421["echo",${numbers}]`]);
  assert.deepEqual(seen, [`431[${numbers}]`]);
});

test("refusals have an end", async (t) => {
  const { fate: end, seen } = await fate(t, Array.from({ length: 300 }, (_, i) => `40/nowhere${i}`));
  assert.equal(end, "closed");
  assert.ok(seen.length <= 32, `${seen.length} answers`);
  assert.ok(seen.every((frame) => frame.includes("Invalid namespace")));
});

test("a frame over the limit closes with 1009", async (t) => {
  const { fate: end, code } = await fate(t, [`42["x","${"y".repeat(MAX_PAYLOAD)}"]`]);
  assert.deepEqual([end, code], ["closed", 1009]);
});

/** A client's frame, byte by byte. */
function frame(opcode, payload, { fin = true, rsv = 0, masked = true } = {}) {
  const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
  const head = Buffer.from([(fin ? 0x80 : 0) | rsv | opcode, (masked ? 0x80 : 0) | length[0], ...length.slice(1)]);
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

for (const [what, bytes, codes] of [
  ["an unmasked frame", frame(1, Buffer.from("4x"), { masked: false }), [1002]],
  ["a reserved bit", frame(1, Buffer.from("4x"), { rsv: 0x40 }), [1002]],
  ["the second reserved bit", frame(1, Buffer.from("4x"), { rsv: 0x20 }), [1002]],
  ["an unknown opcode", frame(3, Buffer.from("4x")), [1002]],
  ["a fragmented ping", frame(9, Buffer.from("x"), { fin: false }), [1002]],
  ["a ping of 126 bytes", frame(9, Buffer.alloc(126)), [1002]],
  ["a continuation of nothing", frame(0, Buffer.from("x")), [1002]],
  ["bad UTF-8", frame(1, Buffer.from([0x34, 0xff, 0xfe])), [1007]],
  ["a frame that claims 2^63 bytes", Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), [1002, 1009]],
  ["a message in thousands of empty pieces", Buffer.concat([frame(1, Buffer.from("4x"), { fin: false }), ...Array(5000).fill(frame(0, Buffer.alloc(0), { fin: false }))]), [1008]],
]) {
  test(`a frame: ${what}`, async (t) => {
    const wire = await direct(t, ENGINE);
    wire.socket._socket.write(bytes);
    const { code } = await wire.end();
    assert.ok(codes.includes(code), `closed with ${code}`);
    assert.equal(await t.server.get("/health"), "ok");
  });
}

test("a message in a few pieces is one", async (t) => {
  const wire = await direct(t, ENGINE);
  wire.socket._socket.write(Buffer.concat([
    frame(1, Buffer.from("4he"), { fin: false }),
    frame(9, Buffer.from("ping in between")),
    frame(0, Buffer.from("l"), { fin: false }),
    frame(0, Buffer.from("lo")),
  ]));
  assert.equal(await wire.next(), "4hello");
});

test("a flood of WebSocket pings is bearable", async (t) => {
  const wire = await direct(t, ENGINE);
  wire.socket._socket.write(Buffer.concat(Array(20_000).fill(frame(9, Buffer.alloc(100)))));
  wire.send("4after");
  assert.equal(await wire.next(), "4after");
});

test("a client that never answers a close frame is dropped", async (t) => {
  const wire = await direct(t, ENGINE);
  const socket = wire.socket._socket;
  const ended = new Promise((resolve) => socket.once("close", resolve));
  // From here on nothing is read as WebSocket, and nothing is answered.
  socket.removeAllListeners("data");
  socket.on("data", () => {});
  socket.write(frame(1, Buffer.from("4close me")));
  await within("the connection to be dropped", ended);
});

test("a candidate does no harm", async (t) => {
  for (const misuse of [["2foo"], ["2probe", "4x"], ["garbage"], [BYTES]]) {
    const peer = await Peer.polling(t, ENGINE);
    const wire = await peer.candidate();
    wire.send(...misuse);
    await wire.end();
    await peer.post("4alive");
    assert.deepEqual(await peer.packets(1), ["4alive"], JSON.stringify(misuse));
  }
});

test("an upgrade needs no probe", async (t) => {
  // faults: F3
  for (const word of ["5", "52"]) {
    const peer = await Peer.polling(t, ENGINE);
    const wire = await peer.candidate();
    wire.send(word, "4alive");
    assert.equal(await wire.heard(), "4alive");
  }
});

test("a session of one path is nobody at the other", async (t) => {
  const peer = await Peer.polling(t, ENGINE);
  assert.equal((await exchange(t, "GET", SOCKET, peer.query)).status, 400);
  assert.equal((await exchange(t, "GET", SOCKET, { ...polling, sid: peer.sid })).status, 400);
  await assert.rejects(websocket(t, SOCKET, { EIO: "4", transport: "websocket", sid: peer.sid }), { status: 400 });
  await peer.post("4alive");
  assert.deepEqual(await peer.packets(1), ["4alive"]);
});

test("nothing is left of all that", async (t) => {
  await until("all sessions to end", async () => {
    const { engine, sockets, plain } = await t.server.stats();
    // Polling sessions whose peers were never polled again wait for their heartbeat.
    return engine === 0 && sockets === 0 && plain < 30;
  }, 10_000);
});
