// Orders by clients that send them until they are answered, over lines that are cut at each byte: each is handled once,
// and answered. STEP is how many bytes lie between two cuts.

import assert from "node:assert/strict";
import crypto from "node:crypto";

import { dial, open, TRANSPORTS, value } from "../lib/socketio.js";
import { brittle, DEAF } from "../lib/brittle.js";
import { test, within } from "../lib/kit.js";

const STEP = Number(process.env.STEP ?? 1);
const VERSIONS = (process.env.CLIENTS ?? "4.6,4.8").split(",");
/** Lines at a time. */
const BESIDE = 24;

/** All that a client has to do. */
const named = () => ({ once: crypto.randomUUID() });

/** A client that asks until it is answered. */
const asking = (t, url, options) =>
  dial(t, "/once", { url, retries: 1000, ackTimeout: 400, timeout: 2_000, ...options });

/** One order: its answer. */
const order = (socket, what, wait) =>
  within(
    `the answer to ${what}`,
    new Promise((resolve, reject) => {
      socket.emit("order", named(), what, wait, (error, ...answer) => (error ? reject(error) : resolve(answer)));
    }),
  );

/** Bytes in each direction of a conversation that nobody cuts. */
async function whole(t, options) {
  const wire = await brittle(t, t.server.port, undefined, () => ({ toClient: Infinity, toServer: Infinity, deaf: DEAF.nobody }));
  const socket = asking(t, wire.url, options);
  await order(socket, crypto.randomUUID(), 20);
  socket.disconnect();
  return { ...wire.passed };
}

/** The places to cut at, with one more than there are. */
async function places(t) {
  const all = [];
  for (const version of VERSIONS) {
    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      const options = { version, transports };
      for (const [direction, bytes] of Object.entries(await whole(t, options))) {
        for (let at = 1 + (all.length % STEP); at <= bytes + STEP; at += STEP) {
          all.push({ what: `${version} ${name} ${direction} ${at}`, options, direction, at });
        }
      }
    }
  }
  return all;
}

async function ordered(t, { what, options, direction, at }) {
  // Every other server is not told of the cut, and every third takes its time to answer.
  const bears = { toClient: Infinity, toServer: Infinity, deaf: at % 2 ? DEAF.nobody : DEAF.server };
  let cut = false;
  const wire = await brittle(t, t.server.port, undefined, () => {
    const first = !cut;
    cut = true;
    return first ? { ...bears, [direction]: at } : { ...bears };
  });
  const socket = asking(t, wire.url, options);
  assert.deepEqual(await order(socket, what, at % 3 ? 0 : 20), [what, 1]);
  socket.disconnect();
  wire.end();
}

test("an order is handled once and answered, wherever its line is cut", { limit: 60_000 + 4_000_000 / STEP }, async (t) => {
  const left = await places(t);
  const all = left.map(({ what }) => what);
  const work = async () => {
    for (let next = left.pop(); next; next = left.pop()) await ordered(t, next);
  };
  await Promise.all(Array.from({ length: BESIDE }, work));
  const orders = await value(await open(t, "/once"), "orders");
  for (const what of all) assert.equal(orders[what], 1, what);
  console.log(JSON.stringify({ cuts: all.length }));
});
