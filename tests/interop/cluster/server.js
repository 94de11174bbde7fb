// A server of Node's in a cluster: node server.js <adapter> <redis port> <key>
// The adapter may be followed by the library by which it speaks to Redis: "classic ioredis". By default "redis-5".
// Prints its port once it listens and its subscriptions are there.

import { createRequire } from "node:module";
import { createServer } from "node:http";

const require = createRequire(`${process.env.NODE_PACKAGES}/`);
const [named, redisPort, key] = process.argv.slice(2);
const [adapter, library = "redis-5"] = named.split(" ");
// Several ports, with commas between them, are a Redis Cluster.
const ports = redisPort.split(",").map(Number);
const urls = ports.map((port) => `redis://127.0.0.1:${port}`);

function client(made) {
  if (ports.length > 1 && library === "ioredis") {
    const nodes = ports.map((port) => ({ host: "127.0.0.1", port }));
    return new made.Cluster(nodes, { lazyConnect: true, shardedSubscribers: true });
  }
  if (ports.length > 1) return made.createCluster({ rootNodes: urls.map((url) => ({ url })) });
  return library === "ioredis" ? new made.Redis(urls[0], { lazyConnect: true }) : made.createClient({ url: urls[0] });
}

async function clients(count) {
  const first = client(require(library));
  const all = [first, ...Array.from({ length: count - 1 }, () => first.duplicate())];
  for (const client of all) {
    client.on("error", () => {});
    await client.connect();
  }
  return all;
}

async function made() {
  switch (adapter) {
    case "classic": {
      const [pub, sub] = await clients(2);
      return require("@socket.io/redis-adapter").createAdapter(pub, sub, { key });
    }
    case "sharded": {
      const [pub, sub] = await clients(2);
      return require("@socket.io/redis-adapter").createShardedAdapter(pub, sub, { channelPrefix: key });
    }
    case "streams-recovery":
    case "streams": {
      const [client] = await clients(1);
      const options = { streamName: key, channelPrefix: key };
      return require("@socket.io/redis-streams-adapter").createAdapter(client, options);
    }
    case "v2":
      return require("socket.io-redis-5")({ host: "127.0.0.1", port: Number(redisPort), key });
    default:
      throw new Error(`no such adapter: ${adapter}`);
  }
}

const http = createServer();
let io;
if (adapter === "v2") {
  io = require("socket.io-2.5")(http, { serveClient: false });
  io.adapter(await made());
} else {
  const { Server } = require("socket.io");
  const recovery = adapter === "streams-recovery" && { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } };
  io = new Server(http, { serveClient: false, allowEIO3: true, adapter: await made(), ...recovery });
}

const addressed = ({ rooms = [], except = [], flags = {} }) => {
  let to = io.of("/");
  for (const room of rooms) to = to.to(room);
  if (except.length > 0) to = to.except(except);
  for (const [name, value] of Object.entries(flags)) {
    to = typeof value === "boolean" && name !== "compress" ? to[name] : to[name](value);
  }
  return to;
};

io.of("/").on("connection", (socket) => {
  socket.on("join", async (room, ack) => {
    await new Promise((done) => (adapter === "v2" ? socket.join(room, done) : done(socket.join(room))));
    ack();
  });
  socket.on("who", (ack) => ack(socket.recovered, socket.data, [...socket.rooms]));
  socket.on("data", (data, ack) => {
    socket.data = data;
    ack();
  });
  socket.on("emit", (to, name, args, ack) => {
    addressed(to).emit(name, ...args);
    ack();
  });
  socket.on("fetch", async (to, ack) => {
    try {
      const all = await addressed(to).fetchSockets();
      ack(all.map(({ id, rooms, data }) => ({ id, rooms: [...rooms].sort(), data })));
    } catch (error) {
      ack({ error: error.message });
    }
  });
  socket.on("clients", (ack) => io.of("/").adapter.clients([], (error, ids) => ack(error ?? ids.sort())));
  socket.on("adapter", (method, args, ack) => {
    io.of("/").adapter[method](...args, (error, told) => ack(error ? error.message : null, told ?? null));
  });
  socket.on("ask", (to, timeout, name, ack) => {
    addressed(to).timeout(timeout).emit(name, (error, answers) => ack(!!error, answers));
  });
  socket.on("do", (to, what, args, ack) => {
    addressed(to)[what](...args);
    ack();
  });
  socket.on("tell servers", (name, args, ack) => {
    io.serverSideEmit(name, ...args);
    ack();
  });
  socket.on("ask servers", (name, args, ack) => {
    io.serverSideEmit(name, ...args, (error, answers) => ack(error ? error.message : null, answers));
  });
});

if (adapter === "v2") {
  io.of("/").adapter.customHook = (word, answer) => answer(`node heard ${word}`);
} else {
  io.on("load", (word, answer) => answer(`node heard ${word}`));
  io.on("told", (...args) => io.local.emit("server told", args));
}

http.listen(0, "127.0.0.1", () => console.log(`port ${http.address().port}`));
