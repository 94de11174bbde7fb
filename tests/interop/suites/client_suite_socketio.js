// What socket.io-client's own suite asks of its server (`client_suite`, SUITE=socket.io-client).

import assert from "node:assert/strict";
import { sleep, test, within } from "../lib/kit.js";
import { ask, collect, connected, dial, manager, next, open, plain, refused, settled, value } from "../lib/socketio.js";

// Where recovery is on, an event carries its offset as one more argument: only the first one counts here.
const first = ([argument]) => argument;
const ASDF = Buffer.from("asdfasdf");

test("hi is answered by hi", async (t) => {
  const socket = await open(t);
  const hi = next(socket, "hi");
  socket.emit("hi");
  await hi;
});

test("echo acks its value", async (t) => {
  const socket = await open(t);
  for (const sent of [123, "tobi", { a: [null] }, ASDF]) assert.deepEqual(plain(await ask(socket, "echo", sent)), [sent]);
});

test("the server asks for an ack, and says so when it got it", async (t) => {
  const socket = await open(t);
  socket.on("ack", (answer) => answer(5, { test: true }));
  const got = next(socket, "got it");
  socket.emit("ack");
  await got;
});

test("dates are text", async (t) => {
  const socket = await open(t);
  assert.equal(new Date(await value(socket, "getAckDate", { test: true })).toISOString().length, 24);
  const date = next(socket, "takeDate");
  socket.emit("getDate");
  assert.equal(typeof (await date)[0], "string");
  const object = next(socket, "takeDateObj");
  socket.emit("getDateObj");
  assert.equal(typeof (await object)[0].date, "string");
});

test("text of many scripts, in order", async (t) => {
  const socket = await open(t);
  const seen = collect(socket, "takeUtf8");
  socket.emit("getUtf8");
  await ask(socket, "echo", "end");
  assert.deepEqual(seen.map(first), ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"]);
});

test("false is an argument", async (t) => {
  const socket = await open(t);
  const seen = next(socket, "false");
  socket.emit("false");
  assert.equal(first(await seen), false);
});

for (const [event, answer] of [["doge", "doge"], ["getbin", "takebin"]]) {
  test(`${event} is answered with binary`, async (t) => {
    const socket = await open(t);
    const seen = next(socket, answer);
    socket.emit(event);
    assert.deepEqual(plain(first(await seen)), ASDF);
  });
}

test("binary alone, within an object, and in order with text", async (t) => {
  const socket = await open(t);
  const [alone, within, ordered] = ["buffack", "jsonbuff-ack", "abuff2-ack"].map((event) => next(socket, event));
  socket.emit("buffa", ASDF);
  await alone;
  socket.emit("jsonbuff", { hello: "lol", message: ASDF, goodbye: "gotcha" });
  await within;
  socket.emit("abuff1", ASDF);
  socket.emit("abuff2", "please arrive second");
  await ordered;
});

test("the handshake knows query and auth", async (t) => {
  const socket = await open(t, "/", { query: { key1: "1", key2: "&=bb", key3: "a b" }, auth: { token: "abc" } });
  const handshake = await value(socket, "getHandshake");
  assert.equal(handshake.query.key1, "1");
  assert.equal(handshake.query.key2, "&=bb");
  assert.equal(handshake.query.key3, "a b");
  assert.deepEqual(handshake.auth, { token: "abc" });
  const abc = dial(t, "/abc", { query: { a: "b" }, auth: { c: "d" } });
  const [seen] = await next(abc, "handshake");
  assert.equal(seen.query.a, "b");
  assert.deepEqual(seen.auth, { c: "d" });
});

test("ids are the client's", async (t) => {
  for (const namespace of ["/", "/foo"]) {
    const socket = await open(t, namespace);
    assert.equal(await value(socket, "getId"), socket.id);
  }
});

test("the main namespace refuses by the query", async (t) => {
  const error = await refused(dial(t, "/", { query: { fail: true } }));
  assert.equal(error.message, "Auth failed (main namespace)");
});

test("a custom namespace refuses always, the others stay", async (t) => {
  const shared = manager(t);
  const main = await connected(shared.socket("/"));
  assert.equal((await refused(shared.socket("/no"))).message, "Auth failed (custom namespace)");
  assert.equal(await value(main, "getId"), main.id);
});

test("an unknown namespace is invalid", async (t) => {
  for (const name of ["/bar", "/timeout", "/invalid"]) {
    assert.equal((await refused(dial(t, name))).message, "Invalid namespace");
  }
});

for (const name of ["/timeout_socket", "/valid", "/asd"]) {
  test(`${name} lets everybody in`, async (t) => {
    await open(t, name);
  });
}

test("a handshake waits a little, so that a client without patience gives up", async (t) => {
  // A client that was held up is let in before it looks at its watch: in some round even a busy one gives up.
  for (let round = 0; round < 50; round += 1) {
    const socket = dial(t, "/", { timeout: 0, reconnection: false });
    const error = await Promise.race([next(socket.io, "error"), next(socket, "connect").then(() => null)]);
    socket.close();
    if (error === null) continue;
    assert.match(error[0].message, /timeout|websocket error/); // before 4.8 a WebSocket says the latter
    return;
  }
  assert.fail("no handshake waited");
});

test("no request waits but a handshake", { transports: ["polling"] }, async (t) => {
  // faults: C7
  const url = `${t.server.url}/socket.io/?EIO=4&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1));
  const post = async (body) => assert.equal(await (await fetch(`${url}&sid=${sid}`, { method: "POST", body })).text(), "ok");
  await post("40");
  // While one waits, others come and go, one after the other: in some round even of a busy machine.
  let most = 0;
  for (let round = 0; round < 50 && most < 2; round += 1) {
    let waits = true;
    const handshake = fetch(url).then((answer) => answer.text()).finally(() => (waits = false));
    let answered = 0;
    for (; waits; answered += 1) await post('42["hi"]');
    await handshake;
    most = Math.max(most, answered - 1);
  }
  assert.ok(most >= 2, `${most} at most`);
});

test("after CONNECT there is silence", async (t) => {
  const socket = await open(t);
  await settled(t, socket);
  const packets = [];
  socket.io.engine.on("packet", ({ type }) => packets.push(type));
  await sleep(150);
  assert.deepEqual(packets, []);
});

test("a connection that was lost is recovered under its id", { needs: "recovery" }, async (t) => {
  const socket = await open(t);
  const { id } = socket;
  const seen = next(socket, "hi");
  socket.emit("hi"); // so that there is an offset
  await seen;
  const back = next(socket, "connect");
  socket.io.engine.close();
  await back;
  assert.equal(socket.id, id);
  assert.equal(socket.recovered, true);
});
