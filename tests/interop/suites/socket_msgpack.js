// What `conformance` does with PARSER=msgpack, asked by a client with the same parser.

import assert from "node:assert/strict";
import { test } from "../lib/kit.js";
import { ask, dial, next, open, plain, refused } from "../lib/socketio.js";

const BYTES = Buffer.from([1, 2, 3]);
const SENT = [1, "2", { 3: [true], bytes: BYTES }, null];

for (const namespace of ["/", "/custom"]) {
  test(`every packet of ${namespace} is msgpack`, async (t) => {
    // faults: C4
    const socket = dial(t, namespace, { auth: { token: "abc" } });
    const seen = [];
    socket.io.engine.on("message", (message) => seen.push(message));
    assert.deepEqual(await next(socket, "auth"), [{ token: "abc" }]);
    const back = next(socket, "message-back");
    socket.emit("message", ...SENT);
    assert.deepEqual(plain(await back), SENT);
    assert.deepEqual(plain(await ask(socket, "message-with-ack", ...SENT)), SENT);
    assert.ok(seen.length >= 4 && seen.every((message) => Buffer.isBuffer(message)), String(seen));
  });
}

test("a namespace that is not there is refused in msgpack", async (t) => {
  // faults: C4
  assert.equal((await refused(dial(t, "/random"))).message, "Invalid namespace");
  const { connected } = await open(t);
  assert.ok(connected);
});
