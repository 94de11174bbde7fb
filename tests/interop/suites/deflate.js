// `ws`, which compresses, against the plain Engine.IO echo of the `interop` server.

import assert from "node:assert/strict";
import { test, until, within } from "../lib/kit.js";
import { load } from "../lib/packages.js";

const { WebSocket } = load("ws");
const ALONE = process.env.DEFLATE !== "context";
/** What the server lets through. */
const MAX_PAYLOAD = 100_000;

/** An open session; `seen` are the messages of it, `sizes` the bytes that came for each. */
async function open(t, perMessageDeflate) {
  const socket = new WebSocket(`${t.server.url.replace("http", "ws")}/engine.io/?EIO=4&transport=websocket`, { perMessageDeflate });
  t.after(() => socket.terminate());
  socket.seen = [];
  socket.on("message", (data, binary) => socket.seen.push(binary ? data : data.toString()));
  socket.on("upgrade", ({ headers }) => (socket.agreed = headers["sec-websocket-extensions"]));
  socket.over = new Promise((resolve) => socket.on("close", resolve));
  await within("the open packet", new Promise((resolve, reject) => {
    socket.once("message", resolve);
    socket.once("error", reject);
  }));
  socket.seen.length = 0;
  return socket;
}

const received = (socket, count) => until(`${count} messages`, () => socket.seen.length >= count && socket.seen);

test("what is agreed on", async (t) => {
  const socket = await open(t, true);
  assert.equal(socket.agreed, "permessage-deflate" + (ALONE ? "; server_no_context_takeover; client_no_context_takeover" : ""));
  const narrow = await open(t, { serverMaxWindowBits: 10, clientMaxWindowBits: 11, serverNoContextTakeover: true });
  assert.match(narrow.agreed, /server_no_context_takeover/);
  assert.match(narrow.agreed, /server_max_window_bits=10/);
  assert.match(narrow.agreed, /client_max_window_bits=11/);
  const plain = await open(t, false);
  assert.equal(plain.agreed, undefined);
});

for (const options of [true, { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }, { threshold: 0 }, false]) {
  test(`messages of all sizes come back, offered ${JSON.stringify(options)}`, async (t) => {
    const socket = await open(t, options);
    const sent = [];
    for (const size of [0, 1, 63, 64, 125, 126, 1023, 1024, 5000, 65_535, MAX_PAYLOAD - 1]) {
      sent.push("4" + "schön ".repeat(size).slice(0, size / 2), Buffer.alloc(size, "abc"), Buffer.from(Array.from({ length: size }, (_, at) => (at * at * 31) >> 3)));
    }
    for (const message of sent) socket.send(message);
    assert.deepEqual(await received(socket, sent.length), sent);
  });
}

test("what comes back has shrunk", async (t) => {
  const socket = await open(t, true);
  const before = socket._socket.bytesRead;
  for (let count = 0; count < 20; count++) socket.send("4" + "all alike ".repeat(1000));
  await received(socket, 20);
  const bytes = socket._socket.bytesRead - before;
  assert.ok(bytes < 20 * 200, `${bytes} bytes for 200 kB`);
});

test("fragments, with pings between them", async (t) => {
  const socket = await open(t, { threshold: 0 });
  let pongs = 0;
  socket.on("pong", () => pongs++);
  socket.send("4one ", { fin: false, compress: true });
  socket.ping();
  socket.send("two ", { fin: false });
  socket.ping();
  socket.send("three", { fin: true });
  socket.send("4whole");
  assert.deepEqual(await received(socket, 2), ["4one two three", "4whole"]);
  assert.equal(pongs, 2);
});

test("a bomb closes its connection, and nobody else's", async (t) => {
  const bystander = await open(t, true);
  const socket = await open(t, true);
  socket.send(Buffer.alloc(50 * MAX_PAYLOAD));
  assert.equal(await within("the close", socket.over), 1009);
  bystander.send("4still here");
  assert.deepEqual(await received(bystander, 1), ["4still here"]);
});
