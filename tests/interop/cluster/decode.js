// node decode.js cases.json
//
// What the adapters of the packages make of what nodes of sio write. Each case is a list of messages for one adapter,
// without a broker: `{ name, adapter, question?, id?, deliver: [{ on, bytes } | { entry }] }`. Printed is a line for each,
// `{ name, said }`: what the adapter did to a namespace with one socket, `s1` in `room1`.

import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.env.NODE_PACKAGES}/`));

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// As a client of `ioredis`, of `redis` 3 for the 2.x line.
class Redis extends EventEmitter {
  options = {};
  copies = [];
  constructor(said) {
    super();
    this.said = said;
    this.setMaxListeners(0);
  }
  subscribe() {}
  psubscribe() {}
  ssubscribe() {}
  publish(channel, message) {
    this.said.push(["published", channel, Buffer.from(message).toString("base64")]);
    return Promise.resolve(1);
  }
  spublish(channel, message) {
    return this.publish(channel, message);
  }
  xadd() {
    return Promise.resolve("1-0");
  }
  // Waits for the next entry.
  xread() {
    return new Promise((resolve) => (this.entry = (fields) => resolve([["socket.io", [["1-0", fields]]]])));
  }
  send_command(name, args, callback) {
    callback(null, [args[1], "2"]);
  }
  duplicate() {
    const copy = new Redis(this.said);
    this.copies.push(copy);
    return copy;
  }
}

function namespace(said) {
  const socket = {
    id: "s1",
    handshake: { headers: {} },
    data: { a: 1 },
    acks: new Map(),
    rooms: new Set(["s1", "room1"]),
    join: (rooms, done) => (said.push(["join", rooms]), done?.()),
    leave: (room, done) => (said.push(["leave", room]), done?.()),
    disconnect: (close) => said.push(["disconnect", close]),
    packet: () => said.push(["reached", "s1"]),
    notifyOutgoingListeners() {},
    client: {
      writeToEngine() {
        said.push(["reached", "s1"]);
        for (const ack of socket.acks.values()) setImmediate(() => ack(null, "acked"));
        socket.acks.clear();
      },
    },
  };
  const encode = (packet, done) => {
    said.push(["packet", packet.type, packet.data, packet.nsp]);
    done?.(["x"]);
    return ["x"];
  };
  return {
    name: "/",
    _ids: 0,
    sockets: new Map([["s1", socket]]),
    connected: { s1: socket },
    server: { encoder: { encode }, opts: {} },
    _onServerSideEmit(args) {
      const answer = typeof args.at(-1) === "function" ? args.pop() : undefined;
      said.push(["server side", args]);
      answer?.("heard");
    },
  };
}

const ADAPTERS = {
  classic8: (redis) => require("@socket.io/redis-adapter").createAdapter(redis, redis),
  classic7: (redis) => require("redis-adapter-7").createAdapter(redis, redis),
  classic6: (redis) => require("socket.io-redis-6").createAdapter({ pubClient: redis, subClient: redis }),
  sharded: (redis) => require("@socket.io/redis-adapter").createShardedAdapter(redis, redis),
  streams: (redis) => require("@socket.io/redis-streams-adapter").createAdapter(redis),
  v2: (redis) => {
    const Adapter = require("socket.io-redis-5")({ pubClient: redis, subClient: redis });
    return (nsp) => new Adapter(nsp);
  },
};

function ask(adapter, question, said) {
  const opts = { rooms: new Set(), except: new Set(), flags: { timeout: 300 } };
  const ended = (result) => said.push(["result", result]);
  const failed = (error) => said.push(["failed", String(error)]);
  switch (question) {
    case "fetch":
      return void adapter.fetchSockets(opts).then((sockets) => ended(sockets.map((it) => it.id)), failed);
    case "servers":
      return void adapter.serverSideEmit(["q", (error, answers) => (error ? failed(error) : ended(answers))]);
    case "clients":
      return void adapter.broadcastWithAck({ type: 2, data: ["q"], nsp: "/" }, opts, () => {}, ended);
    case "clients of the 2.x line":
      return void adapter.clients([], (error, ids) => (error ? failed(error) : ended(ids)));
  }
}

async function play({ adapter: kind, question, id, deliver }) {
  const said = [];
  const redis = new Redis(said);
  const adapter = ADAPTERS[kind](redis)(namespace(said));
  if (kind === "v2") adapter.on?.("error", (error) => said.push(["error", String(error)]));
  await (adapter.addAll?.("s1", new Set(["s1", "room1"])) ?? sleep(0));
  if (kind === "v2") {
    adapter.add("s1", "s1");
    adapter.add("s1", "room1");
  }
  await sleep(5);
  let name;
  if (question) {
    ask(adapter, question, said);
    await sleep(20);
    const open = [adapter.requests, adapter.ackRequests].flatMap((it) => (it instanceof Map ? [...it.keys()] : Object.keys(it ?? {})));
    if (open.length !== 1 || open[0].length !== id.length) throw new Error(`asked as ${open}`);
    name = open[0];
    said.length = 0;
  }
  const own = adapter.uid;
  const channels = {
    all: "socket.io#/#",
    room1: "socket.io#/#room1#",
    requests: "socket.io-request#/#",
    answers: "socket.io-response#/#",
    own: kind.startsWith("classic") ? `socket.io-response#/#${own}#` : `socket.io#/#${own}#`,
  };
  for (const { on, bytes, entry } of deliver) {
    if (entry) {
      redis.copies.find((copy) => copy.entry).entry(entry);
    } else {
      let message = Buffer.from(bytes, "base64");
      if (name) message = Buffer.from(message.toString("latin1").replaceAll(id, name), "latin1");
      const channel = Buffer.from(channels[on]);
      const listeners = [redis, ...redis.copies];
      for (const it of listeners) {
        if (kind === "sharded") it.emit("smessageBuffer", channel, message);
        else if (on === "all" || on === "room1") {
          if (kind === "streams") it.emit("messageBuffer", channel, message);
          else it.emit("pmessageBuffer", Buffer.from("socket.io#/#*"), channel, message);
        } else it.emit("messageBuffer", channel, message);
      }
    }
    await sleep(10);
  }
  return said;
}

const plain = (_, value) => {
  if (value instanceof Set) return [...value];
  if (value?.type === "Buffer" && Array.isArray(value.data)) return { $bin: Buffer.from(value.data).toString("hex") };
  return value;
};

let current = [];
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error) => current.push(["threw", String(error?.stack ?? error)]));
}

for (const it of JSON.parse(readFileSync(process.argv[2], "utf8"))) {
  current = [];
  let said;
  try {
    said = await play(it);
  } catch (error) {
    current.push(["threw", String(error?.stack ?? error)]);
  }
  console.log(JSON.stringify({ name: it.name, said: [...(said ?? []), ...current] }, plain));
}
process.exit(0);
