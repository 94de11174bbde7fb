// The `bench` contract on Node's socket.io with ws. `PORT` says where to listen; `ADAPTER`, with `REDIS_URL`, by which of the
// adapters for Redis it meets others: `redis`, `redis-sharded`, `redis-streams`.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { WebSocketServer } from "ws";

const adapters = {
  none: async () => undefined,
  redis: async () => {
    const { createAdapter } = await import("@socket.io/redis-adapter");
    return createAdapter(...(await connected(2)));
  },
  "redis-sharded": async () => {
    const { createShardedAdapter } = await import("@socket.io/redis-adapter");
    return createShardedAdapter(...(await connected(2)));
  },
  "redis-streams": async () => {
    const { createAdapter } = await import("@socket.io/redis-streams-adapter");
    return createAdapter(...(await connected(1)));
  },
};

async function connected(count) {
  const { Redis } = await import("ioredis");
  return Array.from({ length: count }, () => new Redis(process.env.REDIS_URL));
}

const adapter = await adapters[process.env.ADAPTER ?? "none"]();
const http = createServer();
const io = new Server(http, {
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxHttpBufferSize: 1e6,
  perMessageDeflate: false,
  cors: { origin: "*" },
  wsEngine: WebSocketServer,
  ...(adapter && { adapter }),
});

io.on("connection", (socket) => {
  socket.on("echo", (...args) => {
    const ack = args.pop();
    ack(...args);
  });
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack();
  });
  socket.on("blast", (room, count, payload) => {
    const to = io.to(room);
    for (let i = 0; i < count; i += 1) to.emit("tick", payload);
  });
});

http.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => console.log("listening"));
process.on("SIGTERM", () => process.exit(0));
