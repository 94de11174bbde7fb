// What travels is what the parser has written, and what it cannot read ends its own connection.

import assert from "node:assert/strict";
import { test, until } from "../lib/kit.js";
import { LEGACY, PARSER, ask, bytes, collect, dial, next, open, plain, refused, settled, value } from "../lib/socketio.js";

/** What the parsers of the official server let pass, and ours do not, is asked of ours alone. */
const REFERENCE = process.env.SIO_INTEROP_REFERENCE;

/** What each kind of message is on the wire. */
const isPackets = (message) => (PARSER === "json" ? JSON.parse(message).nsp === "/" : Buffer.isBuffer(message));

/** A packet as the client's parser has it; those of the 2.x line give it to a callback. */
function encoded(socket, packet) {
  let messages;
  const returned = socket.io.encoder.encode(packet, (all) => (messages = all));
  return messages ?? returned;
}

test("every message of the server is the parser's", async (t) => {
  const socket = dial(t);
  const seen = [];
  socket.io.engine.on("message", (message) => seen.push(message));
  await next(socket, "connect");
  assert.deepEqual(await ask(socket, "echo", 1, "two"), [1, "two"]);
  socket.emit("shout", "to all");
  assert.deepEqual(await next(socket, "shouted"), ["to all"]);
  socket.emit("kick", false);
  await next(socket, "disconnect");
  assert.ok(seen.length >= 4, `${seen.length} messages`);
  assert.ok(seen.every(isPackets), String(seen));
});

test("values of many kinds come back", async (t) => {
  const socket = await open(t);
  const sent = [
    null, true, false, "", "schön 🎈", "x".repeat(31), "x".repeat(32), "x".repeat(256), "x".repeat(40_000),
    ...[0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1],
    ...[-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53 - 1)],
    ...[0.5, -1.5, 1e-300, 5e-324],
    [], {}, [[[]]], { a: { b: [{ c: null }] } }, Array.from({ length: 300 }, (_, at) => at),
    Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`key ${at}`, at])),
  ];
  for (const one of sent) assert.deepEqual(await ask(socket, "echo", one), [one]);
  assert.deepEqual(await ask(socket, "echo", ...sent), sent);
  const back = next(socket, "echo_back");
  socket.emit("echo", ...sent);
  assert.deepEqual(await back, sent);
});

if (PARSER === "msgpack") {
  test("more bytes than the protocol has attachments for, beside what looks like one", async (t) => {
    const socket = await open(t);
    const sent = [{ _placeholder: true, num: 0 }, ...Array.from({ length: 20 }, (_, at) => [bytes(at * 20, at)]), { _placeholder: true, num: 99 }];
    assert.deepEqual(plain(await ask(socket, "echo", ...sent)), sent);
  });

  test("what is undefined is no member, and a date is the text that JSON has for it", async (t) => {
    const socket = await open(t);
    const seen = await ask(socket, "echo", { gone: undefined, date: new Date(5) }, undefined);
    assert.deepEqual(seen, REFERENCE ? [{ gone: undefined, date: new Date(5) }, undefined] : [{ date: "1970-01-01T00:00:00.005Z" }, null]);
  });
}

test("who is refused hears why", async (t) => {
  const stopped = await refused(dial(t, "/chain", LEGACY ? { query: { stop: "true" } } : { auth: { stop: true } }));
  assert.equal(stopped.message, "stopped at two");
  assert.equal((await refused(dial(t, "/nowhere"))).message, "Invalid namespace");
});

const odd = {
  json: ["", "{", "[]", '{"type":9,"nsp":"/"}', '{"type":2,"data":["x"]}', '{"type":2,"nsp":"/","id":0.5,"data":["x"]}', Buffer.from("{}")],
  msgpack: ["{", Buffer.from([]), Buffer.from([0xc1]), Buffer.from([0x90]), Buffer.from([0xdd, 255, 255, 255, 255]), Buffer.from([0xdb, 255, 255, 255, 255, 1])],
}[PARSER];
const packets = [
  { type: 2, nsp: "/", data: {} },
  { type: 2, nsp: "/" + "n".repeat(256), data: ["echo"] },
  { type: 3, nsp: "/", data: "x" },
  { type: 1, nsp: "/", data: [] },
];
const strict = [
  { type: 2, nsp: "/", data: ["connect"] },
  { type: 2, nsp: "/", data: [] },
  { type: 2, nsp: "/", data: [["x"]] },
  { type: 2, nsp: "/", id: 2 ** 53, data: ["echo"] },
];
if (!REFERENCE) packets.push(...strict);

for (const [at, message] of [...odd, ...packets].entries()) {
  test(`no packet of this parser ends its connection: ${at} ${JSON.stringify(message).slice(0, 60)}`, async (t) => {
    const bystander = await open(t);
    const socket = await open(t, "/", { reconnection: false });
    await settled(t, socket);
    const { id } = socket;
    const over = next(socket, "disconnect");
    if (Object.getPrototypeOf(message) === Object.prototype) encoded(socket, message).forEach((it) => socket.io.engine.write(it));
    else socket.io.engine.write(message);
    const [reason] = await over;
    assert.ok(["transport close", "transport error"].includes(reason), reason);
    const last = await until("the server to notice", () => value(bystander, "last_disconnect", id));
    assert.match(last.reason, /^forced (server )?close$/);
  });
}

test("what is very deep ends its connection, and not the process", async (t) => {
  if (REFERENCE && PARSER === "json") return; // JSON.parse takes it
  const bystander = await open(t);
  const socket = await open(t, "/", { reconnection: false });
  await settled(t, socket);
  const over = next(socket, "disconnect");
  const depth = 40_000;
  const deep = {
    json: '{"type":2,"nsp":"/","data":["x",' + "[".repeat(depth) + "]".repeat(depth) + "]}",
    msgpack: Buffer.concat([...encoded(socket, { type: 2, nsp: "/", data: ["x"] }).map((it) => Buffer.from(it).subarray(0, -2)), Buffer.alloc(depth, 0x91), Buffer.from([0xc0])]),
  }[PARSER];
  socket.io.engine.write(deep);
  await over;
  assert.deepEqual(await ask(bystander, "echo", "undisturbed"), ["undisturbed"]);
});

test("a stream of broadcasts has no gap while one upgrades", { transports: ["upgrade"] }, async (t) => {
  const speaker = await open(t);
  const listener = dial(t);
  const heard = collect(listener, "shouted");
  await next(listener, "connect");
  let spoken = 0;
  do {
    for (let i = 0; i < 5; i++) speaker.emit("shout", { n: ++spoken });
    await ask(speaker, "echo");
  } while (listener.io.engine.transport.name !== "websocket");
  await ask(speaker, "echo");
  await ask(listener, "echo");
  const numbers = heard.map(([{ n }]) => n);
  assert.ok(numbers.length > 0);
  assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, i) => numbers[0] + i));
});
