// The server ends and comes back: clients are told at once, and find their way back.

import assert from "node:assert/strict";
import { test, within } from "../lib/kit.js";
import { ask, next, open, settled, value } from "../lib/socketio.js";
import { freePort } from "../lib/server.js";

test("a restart: told at once, reconnected, what was waiting is delivered", { apart: true }, async (t) => {
  const port = await freePort();
  const first = await t.start({}, port);
  const sockets = await Promise.all(
    Array.from({ length: 6 }, (_, i) => open(t, i % 2 ? "/custom" : "/", { url: first.url })),
  );
  const ids = sockets.map(({ id }) => id);
  const reasons = Promise.all(sockets.map((socket) => next(socket, "disconnect")));
  const back = Promise.all(sockets.map((socket) => next(socket, "connect")));
  const end = await first.stop();
  assert.deepEqual(end, { code: 0, signal: null, forced: false });
  // Not `io server disconnect`, after which a client stays away, and not `ping timeout`: they were told.
  for (const [reason] of await reasons) assert.ok(["transport close", "transport error"].includes(reason), reason);

  const waiting = sockets.map((socket, i) => ask(socket, "echo", i));
  const second = await t.start({}, port);
  await within("the clients to come back", back);
  assert.deepEqual(await Promise.all(waiting), sockets.map((_, i) => [i]));
  for (const [i, socket] of sockets.entries()) assert.notEqual(socket.id, ids[i]);
  assert.equal(await second.get("/health"), "ok");
});

test("a crash: clients notice, and come back", { apart: true }, async (t) => {
  const port = await freePort();
  const first = await t.start({}, port);
  const socket = await open(t, "/", { url: first.url });
  await settled(t, socket);
  const over = next(socket, "disconnect");
  const back = next(socket, "connect");
  first.signal("SIGKILL");
  assert.ok(["transport close", "transport error"].includes((await over)[0]));
  await first.gone;
  await t.start({}, port);
  await within("the client to come back", back);
  assert.equal((await value(socket, "who")).id, socket.id);
});

test("a client that is still connecting does not hold up the end", { apart: true }, async (t) => {
  const server = await t.start();
  const slow = await open(t, "/slow", { url: server.url });
  slow.disconnect().connect();
  const end = await server.stop();
  assert.equal(end.forced, false);
});
