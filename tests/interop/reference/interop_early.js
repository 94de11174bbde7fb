// The part of the contract of the `interop` example that a client of ours asks for, served by the official
// implementation as it was: SOCKET_IO names the package of one of the lines before today's.

import http from "node:http";
import { load } from "../lib/packages.js";

const number = (name, fallback) => Number(process.env[name] ?? fallback);
const web = http.createServer();
const io = load(process.env.SOCKET_IO ?? "socket.io-2.5")(web, {
  pingInterval: number("PING_INTERVAL", 1000),
  pingTimeout: number("PING_TIMEOUT", 800),
  serveClient: false,
});

function serve(socket) {
  socket.on("echo", (...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    if (ack) ack(...args);
    else socket.emit("echo_back", ...args);
  });
  socket.on("burst", (n, size, ack) => {
    for (let i = 0; i < n; i++) socket.emit("burst", i, "p".repeat(size));
    ack(n);
  });
  socket.on("call_me", (...args) => {
    const ack = args.pop();
    socket.emit("please_ack", ...args, (...reply) => ack({ ok: true, reply }));
  });
  socket.on("kick", (close) => socket.disconnect(Boolean(close)));
}

for (const name of ["/", "/custom"]) io.of(name).on("connection", serve);
web.listen(number("PORT", 3000), process.env.HOST ?? "127.0.0.1", () => console.log("listening"));
