// Clients of both lines, with parsers and without, in the same rooms: none notices what the others have.

import assert from "node:assert/strict";
import { test, until } from "../lib/kit.js";
import { ask, bytes, collect, connected, dial, next, plain, settled, value } from "../lib/socketio.js";

const KINDS = [
  { version: "4.8", parser: null },
  { version: "4.8", parser: "msgpack" },
  { version: "2.5", parser: null },
  { version: "2.5", parser: "msgpack" },
];

/** One client of each kind, in the room `all`, each collecting `said`. */
async function all(t, namespace = "/", kinds = KINDS) {
  const clients = [];
  for (const kind of kinds) {
    const socket = dial(t, namespace, kind);
    const messages = [];
    socket.io.engine.on("message", (message) => messages.push(message));
    await connected(socket);
    await settled(t, socket);
    await ask(socket, "join", "all");
    clients.push({ ...kind, socket, messages, heard: collect(socket, "said") });
  }
  return clients;
}

const say = (socket, args, how = {}) => ask(socket, "send", { rooms: "all", via: "server", event: "said", args, ...how });

/** What was heard, without the offsets behind it by which clients say where they were. */
const told = (heard) => plain(heard).map((args) => args.slice(0, -1));

/** Waits until what was sent so far has arrived. */
const arrived = (clients) => Promise.all(clients.map(({ socket }) => ask(socket, "echo")));

for (const namespace of ["/", "/custom"]) {
  test(`all hear the same, text and binary, in the same order: ${namespace}`, async (t) => {
    const clients = await all(t, namespace);
    const sent = [
      ["ü 🎈 \u2028"],
      [{ picture: bytes(500), list: [bytes(3), null] }],
      [],
      [1, "two", [3], -1, 0.5, 2 ** 53 - 1, true],
      [bytes(0), bytes(20_000)],
      ["\u001e between \u001e"],
      [{ deep: [[[{ a: { b: [null] } }]]] }],
    ];
    for (const [i, args] of sent.entries()) await say(clients[i % clients.length].socket, args);
    await arrived(clients);
    for (const { heard } of clients) assert.deepEqual(told(heard), sent);
    // Those that have asked for it get it, and nobody else.
    for (const { parser, messages } of clients) {
      const texts = messages.filter((message) => typeof message === "string");
      assert.equal(texts.length > 0, !parser, `${parser}: ${texts.slice(0, 3)}`);
    }
  });
}

test("each gets its answers, and all are asked", async (t) => {
  const clients = await all(t);
  const echoed = [{ a: bytes(7) }, "two", [bytes(0)]];
  for (const { socket } of clients) assert.deepEqual(plain(await ask(socket, "echo", ...echoed)), echoed);
  for (const [at, { socket }] of clients.entries()) socket.on("ask", (what, ack) => ack(`client ${at}`, what));
  const answer = await value(clients[0].socket, "ask_all", { rooms: "all", timeout: 20_000, args: [bytes(9)] });
  assert.deepEqual(answer, { timedOut: false, replies: clients.map((_, at) => `client ${at}`) });
});

test("each speaks to the others alone, and may be left out", async (t) => {
  const clients = await all(t);
  for (const [at, { socket }] of clients.entries()) await say(socket, [at, bytes(at + 1)], { via: "socket" });
  await say(clients[0].socket, ["all but two"], { except: [clients[1].socket.id, clients[2].socket.id] });
  await arrived(clients);
  for (const [own, { heard }] of clients.entries()) {
    const others = clients.map((_, at) => [at, bytes(at + 1)]).filter(([at]) => at !== own);
    assert.deepEqual(told(heard), own === 0 || own === 3 ? [...others, ["all but two"]] : others);
  }
});

test("a stream of broadcasts has no gap for anybody who upgrades under it", { transports: ["upgrade"] }, async (t) => {
  const [speaker] = await all(t, "/", KINDS.slice(0, 1));
  const listeners = KINDS.map((kind) => dial(t, "/", kind));
  const heard = listeners.map((socket) => collect(socket, "shouted"));
  await Promise.all(listeners.map((socket) => next(socket, "connect")));
  let spoken = 0;
  do {
    for (let i = 0; i < 5; i++) speaker.socket.emit("shout", spoken++ % 3 ? { n: spoken } : { n: spoken, data: bytes(30, spoken) });
    await ask(speaker.socket, "echo");
  } while (listeners.some((socket) => socket.io.engine.transport.name !== "websocket"));
  await ask(speaker.socket, "echo");
  await Promise.all(listeners.map((socket) => ask(socket, "echo")));
  for (const seen of heard) {
    const numbers = seen.map(([{ n }]) => n);
    assert.ok(numbers.length > 0);
    assert.deepEqual(numbers, Array.from({ length: numbers.length }, (_, i) => numbers[0] + i));
    for (const [{ n, data }] of seen) assert.deepEqual(plain(data), (n - 1) % 3 ? undefined : bytes(30, n));
  }
});

test("who was cut off has missed nothing, whatever its parser", async (t) => {
  const clients = await all(t, "/", KINDS.slice(0, 2));
  const [speaker] = await all(t, "/", KINDS.slice(2, 3));
  // One that it has heard, by which it says where it was.
  await say(speaker.socket, ["before", bytes(5)]);
  await arrived(clients);
  const ids = clients.map(({ socket }) => socket.id);
  for (const { socket } of clients) {
    socket.io.reconnection(false);
    socket.io.engine.close();
  }
  for (const id of ids) await until("the server to notice", () => value(speaker.socket, "last_disconnect", id));
  for (let n = 0; n < 3; n++) await say(speaker.socket, [n, bytes(n + 1)]);
  for (const { socket } of clients) {
    socket.connect();
    await connected(socket);
    assert.ok(socket.recovered);
  }
  assert.deepEqual(clients.map(({ socket }) => socket.id), ids);
  await say(speaker.socket, ["after"]);
  await arrived(clients);
  const all_of_it = [["before", bytes(5)], [0, bytes(1)], [1, bytes(2)], [2, bytes(3)], ["after"]];
  for (const { heard } of clients) assert.deepEqual(told(heard), all_of_it);
});

test("who asks for a parser that is not there is refused, and disturbs nobody", async (t) => {
  const [bystander] = await all(t, "/", KINDS.slice(1, 2));
  for (const version of ["4.8", "2.5"]) {
    const socket = dial(t, "/", { version, parser: null, query: { parser: "cbor" }, reconnection: false });
    await next(socket, "connect_error");
    assert.ok(!socket.connected);
  }
  // One that has another than it has asked for is no client of anybody.
  const liar = dial(t, "/", { version: "4.8", parser: null, query: { parser: "msgpack" }, reconnection: false });
  await next(liar.io, "close");
  assert.ok(!liar.connected);
  assert.deepEqual(await ask(bystander.socket, "echo", "undisturbed"), ["undisturbed"]);
});
