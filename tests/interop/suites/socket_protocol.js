// Socket.IO revision 5, spoken by hand to the `conformance` server.

import assert from "node:assert/strict";
import { sleep, test } from "../lib/kit.js";
import { Peer, direct } from "../lib/raw.js";

const PATH = "/socket.io/";
const CONNECT_TIMEOUT = 1000;

/** How a namespace is written in a packet. */
const prefix = (namespace) => (namespace === "/" ? "" : `${namespace},`);

async function joined(t, namespace = "/", auth = "") {
  const wire = await direct(t, PATH);
  const at = prefix(namespace);
  wire.send(`40${at}${auth}`);
  const answer = await wire.heard();
  assert.ok(answer.startsWith(`40${at}{`), answer);
  const body = JSON.parse(answer.slice(2 + at.length));
  assert.deepEqual(Object.keys(body), ["sid"]);
  assert.match(body.sid, /^[\w-]{20,}$/);
  assert.equal(await wire.heard(), `42${at}["auth",${auth || "{}"}]`);
  return wire;
}

const ended = async (wire) => {
  wire.socket.on("message", (frame) => frame.toString() === "2" && wire.send("3"));
  await wire.end();
};

for (const namespace of ["/", "/custom"]) {
  const at = prefix(namespace);

  test(`${namespace}: connect without and with a payload`, async (t) => {
    await joined(t, namespace);
    await joined(t, namespace, '{"token":"123","z":1,"a":[null]}');
  });

  test(`${namespace}: an event with its arguments untouched`, async (t) => {
    const wire = await joined(t, namespace);
    for (const args of ['1,"2",{"3":[true]}', "", "null", '{"b":1,"a":1.5}', "18446744073709551615", '"\\u2028 é \\u00e9 🎈"']) {
      wire.send(`42${at}["message"${args && ","}${args}]`);
      const answer = await wire.heard();
      assert.ok(answer.startsWith(`42${at}["message-back"`), answer);
      if (!args.includes("\\u") && !args.startsWith("18")) assert.equal(answer, `42${at}["message-back"${args && ","}${args}]`);
    }
  });

  test(`${namespace}: an event with binary`, async (t) => {
    const wire = await joined(t, namespace);
    const [one, two] = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
    wire.send(`452-${at}["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, one, two);
    assert.equal(await wire.heard(), `452-${at}["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`);
    assert.deepEqual(await wire.heard(), one);
    assert.deepEqual(await wire.heard(), two);
  });

  test(`${namespace}: an ack with the event's arguments`, async (t) => {
    const wire = await joined(t, namespace);
    wire.send(`42${at}456["message-with-ack",1,"2",{"3":[false]}]`);
    assert.equal(await wire.heard(), `43${at}456[1,"2",{"3":[false]}]`);
    wire.send(`42${at}0["message-with-ack"]`);
    assert.equal(await wire.heard(), `43${at}0[]`);
  });

  test(`${namespace}: an ack with binary`, async (t) => {
    const wire = await joined(t, namespace);
    const [one, two] = [Buffer.from([1, 2, 3]), Buffer.from([4, 5, 6])];
    wire.send(`452-${at}789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, one, two);
    assert.equal(await wire.heard(), `462-${at}789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`);
    assert.deepEqual(await wire.heard(), one);
    assert.deepEqual(await wire.heard(), two);
  });

  test(`${namespace}: the server asks, the client answers`, async (t) => {
    const wire = await joined(t, namespace);
    wire.send(`42${at}["emit-with-ack",1,"2",{"3":[false]}]`);
    const question = await wire.heard();
    const [, id] = new RegExp(`^42${at}(\\d+)\\["emit-with-ack",1,"2",\\{"3":\\[false\\]\\}\\]$`).exec(question) ?? [];
    assert.ok(id, question);
    wire.send(`43${at}${id}[7,{"done":true}]`);
    assert.equal(await wire.heard(), `42${at}["emit-with-ack",7,{"done":true}]`);
  });

  test(`${namespace}: leaving is not answered and ends nothing`, { server: {} }, async (t) => {
    const wire = await joined(t, namespace);
    wire.send(`41${at}`);
    assert.equal(await wire.next(), "2");
    wire.send("3");
    assert.equal(await wire.next(), "2");
  });

  for (const garbage of ["4abc", "42{}", "42abc[]", `42${at}{}`, `42${at}abc["message"]`, "49", "42[]"]) {
    test(`${namespace}: ${garbage} after CONNECT closes`, async (t) => {
      const wire = await joined(t, namespace);
      wire.send(garbage);
      await ended(wire);
    });
  }
}

for (const garbage of ["4abc", "42{}", '42abc["message-with-ack",1]', '42["message",1]', "4"]) {
  test(`${garbage} before CONNECT closes`, async (t) => {
    const wire = await direct(t, PATH);
    wire.send(garbage);
    await ended(wire);
  });
}

test("a namespace may be followed by a comma or nothing", async (t) => {
  for (const connect of ["40/custom", "40/custom,"]) {
    const wire = await direct(t, PATH);
    wire.send(connect);
    assert.match(await wire.heard(), /^40\/custom,\{"sid":"[\w-]{20,}"\}$/);
    assert.equal(await wire.heard(), '42/custom,["auth",{}]');
  }
});

test("an unknown namespace is refused, the connection stays", async (t) => {
  const wire = await direct(t, PATH);
  wire.send("40/random");
  assert.equal(await wire.heard(), '44/random,{"message":"Invalid namespace"}');
  wire.send("40");
  assert.match(await wire.heard(), /^40\{"sid"/);
});

test("two namespaces on one connection", async (t) => {
  const wire = await joined(t);
  wire.send("40/custom,");
  assert.match(await wire.heard(), /^40\/custom,\{"sid"/);
  assert.equal(await wire.heard(), '42/custom,["auth",{}]');
  wire.send("41/custom,");
  wire.send('42["message","main is still there"]');
  assert.equal(await wire.heard(), '42["message-back","main is still there"]');
});

test("no CONNECT in time: closed", { server: {} }, async (t) => {
  const begun = performance.now();
  const wire = await direct(t, PATH);
  await ended(wire);
  assert.ok(performance.now() - begun > CONNECT_TIMEOUT - 100, "too early");
});

test("CONNECT twice closes", async (t) => {
  const wire = await joined(t);
  wire.send("40");
  await ended(wire);
});

test("an event in the same breath as the answer to CONNECT is not lost", async (t) => {
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      const wire = await direct(t, PATH);
      wire.socket.once("message", () => wire.sendTogether('42["message",1]', '4212["message-with-ack",2]'));
      wire.send("40");
      assert.match(await wire.heard(), /^40/);
      assert.equal(await wire.heard(), '42["auth",{}]');
      assert.equal(await wire.heard(), '42["message-back",1]');
      assert.equal(await wire.heard(), "4312[2]");
    }),
  );
});

test("everything by polling", async (t) => {
  const peer = await Peer.polling(t, PATH);
  await peer.post("40");
  const [connect, auth] = await peer.packets(2);
  assert.match(connect, /^40\{"sid":"[\w-]{20,}"\}$/);
  assert.equal(auth, '42["auth",{}]');
  await peer.post('42["message",1]\x1e420["message-with-ack","é"]');
  assert.deepEqual(await peer.packets(2), ['42["message-back",1]', '430["é"]']);
  await peer.post('451-["message",{"_placeholder":true,"num":0}]\x1ebAQID');
  assert.deepEqual(await peer.packets(2), ['451-["message-back",{"_placeholder":true,"num":0}]', "bAQID"]);
});

test("text between a packet and its attachments closes", async (t) => {
  const wire = await joined(t);
  wire.send('451-["message",{"_placeholder":true,"num":0}]', '42["message"]');
  await ended(wire);
});

test("an attachment that nobody announced closes", async (t) => {
  const wire = await joined(t);
  wire.send(Buffer.from([1, 2, 3]));
  await ended(wire);
});

test("an ack that nobody waits for is ignored", async (t) => {
  const wire = await joined(t);
  wire.send("4399999[1]", '42["message",1]');
  assert.equal(await wire.heard(), '42["message-back",1]');
});

test("a late packet for a namespace just left is no fault", async (t) => {
  const wire = await joined(t);
  wire.send("40/custom");
  await wire.heard();
  await wire.heard();
  wire.sendTogether("41/custom,", '42["message","after"]');
  assert.equal(await wire.heard(), '42["message-back","after"]');
  await sleep(20);
  assert.ok(wire.open);
});
