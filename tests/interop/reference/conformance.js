// The contract of the `conformance` example, served by the official implementation.

import http from "node:http";
import { load } from "../lib/packages.js";

const { Server } = load("socket.io");
const engineIo = load("engine.io");

const number = (name, fallback) => Number(process.env[name] ?? fallback);
const shared = {
  pingInterval: number("PING_INTERVAL", 300),
  pingTimeout: number("PING_TIMEOUT", 200),
  maxHttpBufferSize: number("MAX_PAYLOAD", 1_000_000),
};

const web = http.createServer((_, response) => {
  response.statusCode = 404;
  response.end();
});
// Off unless asked for: with it the reference takes every revision but 4 for 3.
const allowEIO3 = process.env.ALLOW_EIO3 === "1";
const parser = process.env.PARSER ? { parser: load(`socket.io-${process.env.PARSER}-parser-3.0`) } : {};
const io = new Server(web, { ...shared, ...parser, allowEIO3, connectTimeout: number("CONNECT_TIMEOUT", 1000) });
const engine = engineIo.attach(web, { ...shared, allowEIO3, path: "/engine.io/", destroyUpgrade: false });

engine.on("connection", (connection) => {
  connection.on("message", (message) => connection.send(message ?? ""));
});

for (const name of ["/", "/custom"]) {
  io.of(name).on("connection", (socket) => {
    socket.emit("auth", socket.handshake.auth);
    socket.on("message", (...args) => socket.emit("message-back", ...args));
    socket.on("message-with-ack", (...args) => args.pop()(...args));
    socket.on("emit-with-ack", (...args) => {
      socket.emit("emit-with-ack", ...args, (...answer) => socket.emit("emit-with-ack", ...answer));
    });
  });
}

process.on("SIGTERM", () => {
  engine.close();
  io.close(() => process.exit(0));
  web.closeAllConnections();
  setTimeout(() => process.exit(0), 2000); // not every client answers a close frame
});
web.listen(number("PORT", 3000), process.env.HOST ?? "127.0.0.1", () => console.log("listening"));
