// Namespaces over one connection: admission, refusal with and without data, and that they do not mix.

import assert from "node:assert/strict";
import { test, until } from "../lib/kit.js";
import { LEGACY, again, ask, collect, connected, dial, manager, member, open, plain, refused, value } from "../lib/socketio.js";

/** What a refusal says. To the 2.x line the official server of today sends the object of the 4.x line where its own sent a text. */
function said({ message, data }) {
  if (LEGACY && data && Object.keys(data).join() === "message") return { message: data.message, data: undefined };
  return { message, data };
}

test("several namespaces share a connection and have ids of their own", async (t) => {
  await until("earlier sessions to end", async () => (await t.server.stats()).engine === 0);
  const shared = manager(t);
  const [main, custom] = await Promise.all([connected(shared.socket("/")), connected(shared.socket("/custom"))]);
  assert.equal((await t.server.stats()).engine, 1);
  assert.notEqual(main.id, custom.id);
  assert.equal((await value(main, "who")).nsp, "/");
  const who = await value(custom, "who");
  assert.equal(who.nsp, "/custom");
  assert.equal(who.id, custom.id);
});

test("the public id is not the session's", async (t) => {
  const socket = await open(t);
  // The 2.x line computes it, and knows nothing but the session's.
  if (LEGACY) assert.equal((await value(socket, "who")).id, socket.io.engine.id);
  else assert.notEqual(socket.id, socket.io.engine.id);
});

test("who joins a namespace is in the main one, if it cannot say otherwise", async (t) => {
  await until("earlier sessions to end", async () => (await t.server.stats()).sockets === 0);
  const socket = await open(t, "/custom");
  assert.equal((await t.server.stats()).sockets, LEGACY ? 1 : 0);
  const { id } = await value(socket, "who");
  if (LEGACY) assert.equal(id, `/custom#${socket.io.engine.id}`);
  else assert.equal(id, socket.id);
});

test("a namespace without the main one", async (t) => {
  const socket = await open(t, "/custom");
  assert.deepEqual(await ask(socket, "echo", 1, "two"), [1, "two"]);
});

test("events and rooms of one namespace stay in it", async (t) => {
  const shared = manager(t);
  const main = await connected(shared.socket("/"));
  const custom = await connected(shared.socket("/custom"));
  await ask(main, "join", "room");
  await ask(custom, "join", "room");
  const [inMain, inCustom] = [collect(main, "said"), collect(custom, "said")];
  await ask(main, "send", { rooms: "room", via: "server", event: "said", args: ["main"] });
  await ask(custom, "send", { via: "server", event: "said", args: ["custom"] });
  await Promise.all([ask(main, "echo"), ask(custom, "echo")]);
  assert.deepEqual(inMain, [["main"]]);
  assert.deepEqual(inCustom, [["custom"]]);
});

test("a namespace left by its client leaves the others alone", async (t) => {
  const shared = manager(t);
  const main = await connected(shared.socket("/"));
  const custom = await connected(shared.socket("/custom"));
  const { id } = custom;
  custom.disconnect();
  const last = await value(main, "last_disconnect", id);
  assert.deepEqual(last, { reason: "client namespace disconnect", rooms: [] });
  custom.connect();
  await connected(custom);
  if (!LEGACY) assert.notEqual(custom.id, id);
  assert.deepEqual(await ask(main, "echo", 1), [1]);
});

test("the auth payload is seen, given as a value or by a function", async (t) => {
  const auth = { token: "good", ...(LEGACY ? { text: "ü & =" } : { nested: { list: [1, null] } }) };
  const given = await open(t, "/auth", { auth });
  assert.deepEqual((await value(given, "who")).auth, auth);
  if (LEGACY) return; // a query is not a function
  const called = await open(t, "/auth", { auth: (give) => give(auth) });
  assert.deepEqual((await value(called, "who")).auth, auth);
});

test("a refusal carries its message and its data", async (t) => {
  const socket = dial(t, "/auth", { auth: { token: "bad" } });
  const error = await refused(socket);
  if (!LEGACY) {
    assert.ok(error instanceof Error);
    assert.equal(error.message, "bad token");
  }
  assert.deepEqual(error.data, { code: "E_TOKEN", got: "bad" });
  assert.equal(socket.connected, false);
});

test("a refusal for a missing payload says so", async (t) => {
  assert.deepEqual((await refused(dial(t, "/auth"))).data, { code: "E_TOKEN", got: null });
});

test("who was refused may ask again on the same connection", async (t) => {
  const shared = manager(t);
  const main = await connected(shared.socket("/"));
  const socket = member(shared, "/auth", { auth: { token: "bad" } });
  await refused(socket);
  again(socket, { token: "good" });
  await connected(socket);
  assert.equal((await value(socket, "who")).nsp, "/auth");
  assert.deepEqual(await ask(main, "echo", "undisturbed"), ["undisturbed"]);
});

test("middlewares run in order and share the socket's data", async (t) => {
  assert.deepEqual(await value(await open(t, "/chain"), "steps"), ["one", "two"]);
});

test("the second middleware refuses without data", async (t) => {
  const error = await refused(dial(t, "/chain", { auth: { stop: true } }));
  assert.equal(error.message, "stopped at two");
  assert.equal(error.data, undefined);
});

test("what is sent while a middleware thinks is not lost", async (t) => {
  const socket = dial(t, "/slow");
  for (let i = 0; i < 10; i++) socket.emit("seq", i);
  assert.deepEqual(await value(socket, "seq_get"), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a slow namespace does not hold up another", async (t) => {
  const shared = manager(t);
  const slow = shared.socket("/slow");
  const main = await connected(shared.socket("/"));
  assert.deepEqual(await ask(main, "echo", 1), [1]);
  await connected(slow);
});

test("an unknown namespace is refused and the connection stays", async (t) => {
  const shared = manager(t);
  const main = await connected(shared.socket("/"));
  assert.deepEqual(said(await refused(shared.socket("/nowhere"))), { message: "Invalid namespace", data: undefined });
  assert.deepEqual(await ask(main, "echo", 1), [1]);
});

test("binary in a namespace", async (t) => {
  const socket = await open(t, "/custom");
  assert.deepEqual(plain(await ask(socket, "echo", { data: Buffer.from([1, 2, 3]) })), [{ data: Buffer.from([1, 2, 3]) }]);
});

test("names made by a pattern", { needs: "dynamic" }, async (t) => {
  const socket = await open(t, "/dyn-42");
  assert.equal((await value(socket, "who")).nsp, "/dyn-42");
  assert.equal(said(await refused(dial(t, "/dyn-x"))).message, "Invalid namespace");
});

test("connections that come and go leave no members behind", async (t) => {
  for (let round = 0; round < 10; round++) {
    const socket = await open(t, "/custom");
    await ask(socket, "join", "crowd");
    socket.disconnect();
  }
  const socket = await open(t, "/custom");
  const found = await value(socket, "fetch", { rooms: "crowd" });
  assert.ok(found.length <= 1, `${found.length} are still there`);
});
