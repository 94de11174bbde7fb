// What engine.io-client's own suite asks of its server (`client_suite`, SUITE=engine.io-client).

import assert from "node:assert/strict";
import { test, until, within } from "../lib/kit.js";
import { load } from "../lib/packages.js";
import { Peer, direct, exchange } from "../lib/raw.js";

const { Socket } = load("engine.io-client-6.6");
const PATH = "/engine.io/";
const MAX_PAYLOAD = 100;

function dial(t, options = {}) {
  const socket = new Socket(t.server.url, { path: "/engine.io", ...options });
  socket.binaryType = "nodebuffer";
  t.after(() => socket.close());
  socket.seen = [];
  socket.on("message", (message) => socket.seen.push(message));
  return socket;
}

const received = (socket, count) => until(`${count} messages`, () => socket.seen.length >= count && socket.seen);

for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  const how = transports.join(" and ");

  test(`${how}: hi, then an echo`, async (t) => {
    const socket = dial(t, { transports });
    socket.send("echoed");
    assert.deepEqual(await received(socket, 2), ["hi", "echoed"]);
  });

  test(`${how}: text and binary on demand`, async (t) => {
    const socket = dial(t, { transports });
    socket.send("give binary");
    socket.send("give utf8");
    const [, binary, text] = await received(socket, 3);
    assert.deepEqual(Buffer.from(binary), Buffer.from([0, 1, 2, 3, 4]));
    assert.equal(text, "пойду спать всем спокойной ночи");
  });

  test(`${how}: more than one body may hold`, async (t) => {
    const socket = dial(t, { transports });
    const sent = Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(40, "z"));
    for (const message of sent) socket.send(message);
    assert.deepEqual(await received(socket, 13), ["hi", ...sent]);
  });
}

test("the headers of the POST that carried the message", async (t) => {
  const socket = dial(t, { transports: ["polling"], extraHeaders: { "X-Custom-Header-For-My-Project": "my-secret" } });
  socket.send("sendHeaders");
  const [, headers] = await received(socket, 2);
  assert.equal(JSON.parse(headers)["x-custom-header-for-my-project"], "my-secret");
});

test("a request with deny in its query is refused", async (t) => {
  const { status, body } = await exchange(t, "GET", PATH, { EIO: "4", transport: "polling", deny: "1" });
  assert.equal(status, 403);
  assert.deepEqual(JSON.parse(body), { code: 4, message: "Forbidden" });
  const socket = dial(t, { transports: ["polling"], query: { deny: 1 } });
  const error = await within("an error", new Promise((resolve) => socket.once("error", resolve)));
  assert.equal(error.description, 403);
});

test("the handshake sets four cookies", async (t) => {
  const { headers } = await exchange(t, "GET", PATH, { EIO: "4", transport: "polling" });
  const [one, two, three, four, ...more] = headers["set-cookie"];
  assert.equal(one, "1=1; Max-Age=86400");
  assert.equal(two, "2=2; Path=/; HttpOnly; Secure; SameSite=Strict");
  assert.equal(three, "3=3; Max-Age=0");
  assert.match(four, /^4=4; Expires=\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
  assert.deepEqual(more, []);
});

test("cookies come back from the client", async (t) => {
  const socket = dial(t, { transports: ["polling"], withCredentials: true });
  await received(socket, 1);
  socket.send("sendHeaders");
  const [, headers] = await received(socket, 2);
  assert.equal(JSON.parse(headers).cookie, "1=1; 2=2");
});

test("a body of exactly the largest size passes, separators included", async (t) => {
  const peer = await Peer.polling(t, PATH);
  assert.equal(peer.handshake.maxPayload, MAX_PAYLOAD);
  const body = `4${"x".repeat(48)}\x1e4${"y".repeat(49)}`;
  assert.equal(body.length, MAX_PAYLOAD);
  assert.equal((await peer.post(body)).status, 200);
});

test("a larger body is answered 413 and nothing", async (t) => {
  const peer = await Peer.polling(t, PATH);
  const { status, body } = await peer.post(`4${"x".repeat(MAX_PAYLOAD)}`);
  assert.deepEqual([status, body], [413, ""]);
});

test("bytes are counted, not characters", async (t) => {
  const peer = await Peer.polling(t, PATH);
  assert.equal((await peer.post(`4${"é".repeat(50)}`)).status, 413);
});

test("a larger frame closes with 1009 and no reason", async (t) => {
  const wire = await direct(t, PATH);
  wire.send(`4${"x".repeat(MAX_PAYLOAD)}`);
  assert.deepEqual(await wire.end(), { code: 1009, reason: "" });
});

test("an unknown session, in exactly these words", async (t) => {
  const { status, body } = await exchange(t, "GET", PATH, { EIO: "4", transport: "polling", sid: "none" });
  assert.equal(status, 400);
  assert.equal(body, '{"code":1,"message":"Session ID unknown"}');
});
