// From polling to WebSocket in mid-traffic: nothing lost, nothing twice, nothing out of order.

import assert from "node:assert/strict";
import { sleep, test, until } from "../lib/kit.js";
import { ask, bytes, collect, connected, dial, next, open, plain, value } from "../lib/socketio.js";

const only = { transports: ["upgrade"] };
const upgraded = (socket) => until("the upgrade", () => socket.io.engine?.transport.name === "websocket");
const range = (count, first = 0) => Array.from({ length: count }, (_, i) => first + i);

test("the connection starts by polling and ends on a WebSocket", only, async (t) => {
  const socket = await open(t);
  await upgraded(socket);
  const who = await value(socket, "who");
  assert.equal(who.transport, "websocket");
  assert.equal(who.id, socket.id);
});

test("traffic in both directions through the upgrade", only, async (t) => {
  const sockets = range(8).map(() => dial(t));
  await Promise.all(
    sockets.map(async (socket) => {
      const received = collect(socket, "burst");
      await connected(socket);
      let sent = 0;
      let bursts = 0;
      const answers = [];
      const go = async () => {
        for (let i = 0; i < 20; i++, sent++) {
          if (sent % 5 === 0) socket.emit("seq", sent, bytes(100, sent));
          else socket.emit("seq", sent);
        }
        answers.push(ask(socket, "burst", 25, 64));
        bursts++;
        await sleep(3);
      };
      while (socket.io.engine.transport.name !== "websocket") await go();
      for (let i = 0; i < 5; i++) await go();
      await Promise.all(answers);
      assert.deepEqual(await value(socket, "seq_get"), range(sent));
      assert.deepEqual(
        received.map(([i]) => i),
        range(bursts).flatMap(() => range(25)),
      );
    }),
  );
});

test("a broadcast stream has no gap for those who upgrade under it", only, async (t) => {
  const speaker = await open(t);
  await upgraded(speaker);
  let spoken = 0;
  let speaking = true;
  const stream = (async () => {
    while (speaking) {
      for (let i = 0; i < 5; i++) speaker.emit("shout", spoken++ % 4 ? { n: spoken } : { n: spoken, data: bytes(40, spoken) });
      await sleep(2);
    }
  })();
  const listeners = await Promise.all(
    range(8).map(async () => {
      const socket = dial(t);
      const heard = collect(socket, "shouted");
      await connected(socket);
      return { socket, heard };
    }),
  );
  await Promise.all(listeners.map(({ socket }) => upgraded(socket)));
  await sleep(50);
  speaking = false;
  await stream;
  await ask(speaker, "echo");
  for (const { socket, heard } of listeners) {
    await ask(socket, "echo");
    const numbers = heard.map(([{ n }]) => n);
    assert.deepEqual(numbers, range(numbers.length, numbers[0]), "a gap, a repetition or a wrong order");
    assert.equal(numbers.at(-1), spoken);
    for (const [{ n, data }] of heard) {
      assert.deepEqual(plain(data), (n - 1) % 4 ? undefined : bytes(40, n));
    }
  }
});

test("acks that were asked for while polling arrive on the WebSocket", only, async (t) => {
  const socket = dial(t);
  await connected(socket);
  const late = range(10).map((i) => value(socket, "late_ack", 20 * i, i));
  assert.deepEqual(await Promise.all(late), range(10));
  await upgraded(socket);
});

test("a client that leaves in mid-upgrade is gone", only, async (t) => {
  await until("earlier sockets to end", async () => (await t.server.stats()).sockets === 0);
  const observer = await open(t);
  const before = (await t.server.stats()).sockets;
  for (let i = 0; i < 10; i++) {
    const socket = dial(t, "/", { reconnection: false });
    await connected(socket);
    const { id } = socket;
    await sleep(i);
    const over = next(socket, "disconnect");
    socket.disconnect();
    assert.equal((await over)[0], "io client disconnect");
    const last = await until("its end on the server", () => value(observer, "last_disconnect", id));
    assert.equal(last.reason, "client namespace disconnect");
  }
  await until("all of them to be gone", async () => (await t.server.stats()).sockets === before);
});

test("a client that is put out in mid-upgrade is gone", only, async (t) => {
  const observer = await open(t);
  for (let i = 0; i < 10; i++) {
    const socket = dial(t, "/", { reconnection: false });
    await connected(socket);
    const { id } = socket;
    await sleep(i);
    const over = next(socket, "disconnect");
    socket.emit("kick", true);
    assert.ok(["io server disconnect", "transport close"].includes((await over)[0]));
    const last = await until("its end on the server", () => value(observer, "last_disconnect", id));
    assert.equal(last.reason, "server namespace disconnect");
  }
});

test("many upgrade at once", only, async (t) => {
  const sockets = await Promise.all(range(40).map(() => open(t)));
  await Promise.all(sockets.map(upgraded));
  const names = await Promise.all(sockets.map((socket) => value(socket, "who")));
  assert.ok(names.every(({ transport }) => transport === "websocket"));
});
