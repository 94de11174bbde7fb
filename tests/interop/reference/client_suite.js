// The contract of the `client_suite` example, served by the official implementation.

import http from "node:http";
import { load } from "../lib/packages.js";

const port = (fallback) => Number(process.env.PORT ?? fallback);
const host = process.env.HOST ?? "127.0.0.1";
const ASDF = Buffer.from("asdfasdf");

function socketIo() {
  const { Server } = load("socket.io");
  const web = http.createServer();
  const io = new Server(web, { pingInterval: 2000, connectionStateRecovery: {} });
  io.engine.use((request, _, next) => setTimeout(next, 10));

  io.use((socket, next) => next(socket.handshake.query.fail ? new Error("Auth failed (main namespace)") : undefined));
  io.of("/no").use((_, next) => next(new Error("Auth failed (custom namespace)")));
  for (const name of ["/timeout_socket", "/valid", "/asd"]) io.of(name);
  io.of("/foo").on("connection", (socket) => socket.on("getId", (ack) => ack(socket.id)));
  io.of("/abc").on("connection", (socket) => socket.emit("handshake", socket.handshake));
  io.on("connection", (socket) => {
    socket.on("hi", () => socket.emit("hi"));
    socket.on("echo", (value, ack) => ack(value));
    socket.on("ack", () => {
      socket.emit("ack", (five, { test }) => five === 5 && test && socket.emit("got it"));
    });
    socket.on("getAckDate", (_, ack) => ack(new Date()));
    socket.on("getDate", () => socket.emit("takeDate", new Date()));
    socket.on("getDateObj", () => socket.emit("takeDateObj", { date: new Date() }));
    socket.on("getUtf8", () => {
      const texts = ["てすと", "Я Б Г Д Ж Й", "Ä ä Ü ü ß", "utf8 — string", "utf8 — string"];
      for (const text of texts) socket.emit("takeUtf8", text);
    });
    socket.on("false", () => socket.emit("false", false));
    socket.on("doge", () => socket.emit("doge", ASDF));
    socket.on("getbin", () => socket.emit("takebin", ASDF));
    socket.on("buffa", (data) => Buffer.isBuffer(data) && socket.emit("buffack"));
    socket.on("jsonbuff", ({ hello, message, goodbye }) => {
      if (hello === "lol" && Buffer.isBuffer(message) && goodbye === "gotcha") socket.emit("jsonbuff-ack");
    });
    let first = false;
    socket.on("abuff1", (data) => (first = Buffer.isBuffer(data)));
    socket.on("abuff2", () => first && socket.emit("abuff2-ack"));
    socket.on("getHandshake", (ack) => ack(socket.handshake));
    socket.on("getId", (ack) => ack(socket.id));
  });
  return { web, port: port(3210), close: (done) => io.close(done) };
}

function engineIo() {
  const engine = load("engine.io");
  const web = http.createServer();
  const server = engine.attach(web, {
    pingInterval: 500,
    maxHttpBufferSize: 100,
    allowRequest: (request, decide) => decide(null, !new URL(request.url, "http://x").searchParams.has("deny")),
  });
  server.on("initial_headers", (headers) => {
    headers["set-cookie"] = [
      "1=1; Max-Age=86400",
      "2=2; Path=/; HttpOnly; Secure; SameSite=Strict",
      "3=3; Max-Age=0",
      `4=4; Expires=${new Date().toUTCString()}`,
    ];
  });
  server.on("connection", (socket) => {
    socket.send("hi");
    socket.on("message", (message) => {
      if (message === "give binary") socket.send(Buffer.from([0, 1, 2, 3, 4]));
      else if (message === "give utf8") socket.send("пойду спать всем спокойной ночи");
      else if (message === "sendHeaders") socket.send(JSON.stringify(socket.transport.dataReq?.headers));
      else socket.send(message);
    });
  });
  return {
    web,
    port: port(3000),
    close: (done) => {
      server.close();
      web.close(done);
    },
  };
}

const served = process.env.SUITE === "engine.io-client" ? engineIo() : socketIo();
process.on("SIGTERM", () => {
  served.close(() => process.exit(0));
  served.web.closeAllConnections();
  setTimeout(() => process.exit(0), 2000); // not every client answers a close frame
});
served.web.listen(served.port, host, () => console.log("listening"));
