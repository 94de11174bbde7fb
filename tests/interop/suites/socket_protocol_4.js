// Socket.IO revision 4, spoken by hand to the `conformance` server.

import assert from "node:assert/strict";
import { sleep, test } from "../lib/kit.js";
import { direct, exchange, websocket } from "../lib/raw.js";

const REFERENCE = Boolean(process.env.SIO_INTEROP_REFERENCE);
const PATH = "/socket.io/";
const PING_INTERVAL = 300;
const PING_TIMEOUT = 200;
const TWO = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';

/** How a namespace is written in a packet. */
const prefix = (namespace) => (namespace === "/" ? "" : `${namespace},`);

/** A binary message, with its type. */
const message = (...bytes) => Buffer.from([4, ...bytes]);

/** A client on a WebSocket; it is in `/`, though it said nothing, and keeps itself alive. */
async function arrived(t, query = {}) {
  const wire = await websocket(t, PATH, { EIO: "3", transport: "websocket", ...query });
  const open = await wire.next();
  wire.handshake = JSON.parse(open.slice(1));
  const beat = setInterval(() => wire.open && wire.send("2"), PING_INTERVAL / 2);
  t.after(() => clearInterval(beat));
  wire.quiet = () => clearInterval(beat);
  wire.heard = async () => {
    for (;;) {
      const frame = await wire.next();
      if (frame !== "3") return frame;
    }
  };
  assert.equal(await wire.heard(), "40");
  assert.equal(await wire.heard(), '42["auth",{}]');
  return wire;
}

async function joined(t, namespace, query = "") {
  const wire = await arrived(t);
  if (namespace === "/") return wire;
  wire.send(`40${namespace}${query},`);
  assert.equal(await wire.heard(), `40${namespace},`);
  const auth = JSON.stringify(Object.fromEntries(new URLSearchParams(query)));
  assert.equal(await wire.heard(), `42${namespace},["auth",${auth}]`);
  return wire;
}

/** The next thing that is heard is not there to answer what was sent, but to answer this. */
async function alive(wire) {
  wire.send('42["message","alive"]');
  assert.equal(await wire.heard(), '42["message-back","alive"]');
}

test("the handshake has the five members", async (t) => {
  const wire = await arrived(t);
  assert.deepEqual(Object.keys(wire.handshake).sort(), ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
});

for (const namespace of ["/", "/custom"]) {
  const at = prefix(namespace);

  test(`${namespace}: an event with its arguments untouched`, async (t) => {
    const wire = await joined(t, namespace);
    for (const args of ['1,"2",{"3":[true]}', "", "null", '{"b":1,"a":1.5}']) {
      wire.send(`42${at}["message"${args && ","}${args}]`);
      assert.equal(await wire.heard(), `42${at}["message-back"${args && ","}${args}]`);
    }
  });

  test(`${namespace}: an event and an ack with binary`, async (t) => {
    const wire = await joined(t, namespace);
    const [one, two] = [message(1, 2, 3), message(4, 5, 6)];
    wire.send(`452-${at}["message",${TWO},"test"]`, one, two);
    assert.equal(await wire.heard(), `452-${at}["message-back",${TWO},"test"]`);
    assert.deepEqual([await wire.heard(), await wire.heard()], [one, two]);
    wire.send(`452-${at}789["message-with-ack",${TWO}]`, one, two);
    assert.equal(await wire.heard(), `462-${at}789[${TWO}]`);
    assert.deepEqual([await wire.heard(), await wire.heard()], [one, two]);
    // Base64 is taken, too.
    wire.send(`451-${at}["message",{"_placeholder":true,"num":0}]`, "b4AQID");
    assert.equal(await wire.heard(), `451-${at}["message-back",{"_placeholder":true,"num":0}]`);
    assert.deepEqual(await wire.heard(), one);
  });

  test(`${namespace}: the server asks, the client answers`, async (t) => {
    const wire = await joined(t, namespace);
    wire.send(`42${at}["emit-with-ack",1,"2",{"3":[true]}]`);
    const question = await wire.heard();
    const id = question.slice(2 + at.length, question.indexOf("["));
    assert.equal(question, `42${at}${id}["emit-with-ack",1,"2",{"3":[true]}]`);
    // Other servers' suites expect this id; the reference counts for all sockets of a namespace.
    if (!REFERENCE) assert.equal(id, "1");
    wire.send(`43${at}${id}[1,"2",{"3":[true]}]`);
    assert.equal(await wire.heard(), `42${at}["emit-with-ack",1,"2",{"3":[true]}]`);
  });

  for (const garbage of ["4abc", "47[]", `42${at}{}`, `42${at}abc["message"]`, `42${at}["connect"]`]) {
    test(`${namespace}: ${garbage} closes`, async (t) => {
      const wire = await joined(t, namespace);
      wire.send(garbage);
      await wire.end();
    });
  }
}

test("a namespace may be followed by a comma, a query or nothing", async (t) => {
  for (const connect of ["40/custom", "40/custom,", "40/custom?", "40/custom?,"]) {
    const wire = await arrived(t);
    wire.send(connect);
    assert.equal(await wire.heard(), "40/custom,");
    assert.equal(await wire.heard(), '42/custom,["auth",{}]');
  }
  await joined(t, "/custom", "?token=a%20b&x=1");
});

test("an unknown namespace is refused, the connection stays", async (t) => {
  const wire = await arrived(t);
  wire.send("40/random");
  assert.equal(await wire.heard(), '44/random,{"message":"Invalid namespace"}');
  await alive(wire);
});

test("what old clients do and others may not", async (t) => {
  if (REFERENCE) return; // which closes the connection, as 2.5 did not
  const wire = await arrived(t);
  for (const packet of ["40", "40/?a=1,", '42/nowhere,["x"]', "41/nowhere,", '44"encode error"']) {
    wire.send(packet);
    await alive(wire);
  }
});

test("leaving a namespace is not answered and ends nothing", async (t) => {
  const wire = await joined(t, "/custom");
  wire.send("41/custom");
  await alive(wire);
});

test("leaving the main namespace ends with the heartbeat", { server: {} }, async (t) => {
  const wire = await arrived(t);
  wire.send("41");
  await sleep(PING_INTERVAL + PING_TIMEOUT);
  assert.ok(wire.open, "it still pings");
  wire.quiet();
  await wire.end();
});

test("everything by polling", async (t) => {
  const query = { EIO: "3", transport: "polling", b64: "1" };
  const poll = async () => (await exchange(t, "GET", PATH, query)).body;
  const post = async (...packets) => {
    const body = packets.map((packet) => `${packet.length}:${packet}`).join("");
    assert.equal((await exchange(t, "POST", PATH, query, { body })).body, "ok");
  };
  const open = await poll();
  query.sid = JSON.parse(open.slice(open.indexOf("{"))).sid;
  await post("2");
  assert.equal(await poll(), '2:4013:42["auth",{}]1:3');
  await post("40/custom?a=1,", '42["message","🎈"]');
  const heard = [];
  for (let all = 3; all > 0; ) {
    for (let rest = await poll(); rest; all--) {
      const length = Number(rest.slice(0, rest.indexOf(":")));
      const from = rest.indexOf(":") + 1;
      heard.push(rest.slice(from, from + length));
      rest = rest.slice(from + length);
    }
  }
  assert.deepEqual(heard.sort(), ["40/custom,", '42/custom,["auth",{"a":"1"}]', '42["message-back","🎈"]'].sort());
  await post('451-["message",{"_placeholder":true,"num":0}]', "b4AQID");
  assert.equal(await poll(), '50:451-["message-back",{"_placeholder":true,"num":0}]6:b4AQID');
});

test("both revisions answer beside each other", async (t) => {
  const old = await arrived(t);
  const wire = await direct(t, PATH);
  wire.send("40");
  assert.match(await wire.heard(), /^40\{"sid"/);
  assert.equal(await wire.heard(), '42["auth",{}]');
  wire.send('451-["message",{"_placeholder":true,"num":0}]', Buffer.from([4, 4]));
  await alive(old);
  assert.equal(await wire.heard(), '451-["message-back",{"_placeholder":true,"num":0}]');
  assert.deepEqual(await wire.heard(), Buffer.from([4, 4]));
});
