// The part of the contract of the `interop` example that a client of ours asks for, served by the official
// implementation as it was: SOCKET_IO names the package of one of the lines before today's.

import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { directory, load } from "../lib/packages.js";

const number = (name, fallback) => Number(process.env[name] ?? fallback);
const web = http.createServer();
const name = process.env.SOCKET_IO ?? "socket.io-2.5";
const shared = { pingInterval: number("PING_INTERVAL", 1000), pingTimeout: number("PING_TIMEOUT", 800) };
const io = load(name)(web, { ...shared, serveClient: false });

// The engine that this server stands on, by itself.
const engineIo = createRequire(path.join(directory(name), "package.json"))("engine.io");
const plain = engineIo.attach(web, { ...shared, path: "/engine.io", destroyUpgrade: false });
plain.on("connection", (connection) => {
  connection.on("message", (message) => {
    const [, kind, count] = /^give (text|binary) (\d+)$/.exec(message) ?? [];
    if (message === "close me") connection.close();
    else if (kind === "text") connection.send("x".repeat(count));
    else if (kind === "binary") connection.send(Buffer.alloc(Number(count), 7));
    else connection.send(message);
  });
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

for (const nsp of ["/", "/custom"]) io.of(nsp).on("connection", serve);
web.listen(number("PORT", 3000), process.env.HOST ?? "127.0.0.1", () => console.log("listening"));
