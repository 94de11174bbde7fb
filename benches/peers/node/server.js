// The `bench` contract on Node's socket.io with ws. `PORT` says where to listen.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { WebSocketServer } from "ws";

const http = createServer();
const io = new Server(http, {
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxHttpBufferSize: 1e6,
  perMessageDeflate: false,
  cors: { origin: "*" },
  wsEngine: WebSocketServer,
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
