// The contract of the `interop` example, served by the official implementation: the check that the
// suites ask for what the protocol's own server does.

import http from "node:http";
import { load } from "../lib/packages.js";

const { Server } = load("socket.io");
const engineIo = load("engine.io");
const parser = load("socket.io-parser");

const number = (name, fallback) => Number(process.env[name] ?? fallback);
const shared = {
  pingInterval: number("PING_INTERVAL", 1000),
  pingTimeout: number("PING_TIMEOUT", 800),
  maxHttpBufferSize: number("MAX_PAYLOAD", 100_000),
  upgradeTimeout: number("UPGRADE_TIMEOUT", 1500),
  allowEIO3: number("ALLOW_EIO3", 1) === 1,
  cors: { origin: true, credentials: true },
};

const web = http.createServer((request, response) => {
  if (request.url === "/health") return response.end("ok");
  if (request.url === "/stats") {
    return response.end(
      JSON.stringify({ engine: io.engine.clientsCount, sockets: io.of("/").sockets.size, plain: plain.clientsCount }),
    );
  }
  response.statusCode = 404;
  response.end();
});

const maxAttachments = number("MAX_ATTACHMENTS", 10);
class Decoder extends parser.Decoder {
  constructor() {
    super({ maxAttachments });
  }
}

const recovery = number("RECOVERY_MS", 0);
const io = new Server(web, {
  ...shared,
  connectTimeout: number("CONNECT_TIMEOUT", 1500),
  // The 2.x line has parsers of its own, which the official server of today does not understand.
  parser: process.env.PARSER ? load(`socket.io-${process.env.PARSER}-parser-3.0`) : { ...parser, Decoder },
  ...(recovery > 0 && { connectionStateRecovery: { maxDisconnectionDuration: recovery, skipMiddlewares: true } }),
});
const plain = engineIo.attach(web, { ...shared, path: "/engine.io/", destroyUpgrade: false });

plain.on("connection", (connection) => {
  connection.on("message", (message) => {
    const [, kind, count] = /^give (text|binary) (\d+)$/.exec(message) ?? [];
    if (message === "close me") connection.close();
    else if (kind === "text") connection.send("x".repeat(count));
    else if (kind === "binary") connection.send(Buffer.alloc(Number(count), 7));
    else connection.send(message);
  });
});

const gone = new Map();
const list = (rooms) => (rooms === undefined ? [] : [].concat(rooms));

function described(value) {
  if (Buffer.isBuffer(value)) return { $bin: value.length, $sum: value.reduce((sum, byte) => (sum + byte) % 65536, 0) };
  if (Array.isArray(value)) return value.map(described);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, described(inner)]));
  }
  return value;
}

const roomsOf = (socket) => [...socket.rooms].filter((room) => room !== socket.id).sort();

function serve(socket) {
  const { nsp } = socket;
  let sequence = [];
  const on = (event, listener) =>
    socket.on(event, (...args) => {
      const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
      listener({ args, ack: ack ?? (() => {}), asked: ack !== undefined });
    });
  const within = ({ rooms }) => (list(rooms).length ? nsp.in(list(rooms)) : nsp);

  on("who", ({ ack }) => {
    const { EIO, transport, t, sid, b64, ...query } = socket.handshake.query;
    ack({
      id: socket.id,
      nsp: nsp.name,
      rooms: roomsOf(socket),
      auth: socket.handshake.auth,
      query,
      transport: socket.conn.transport.name,
      eio: socket.conn.protocol,
      recovered: socket.recovered,
    });
  });
  on("echo", ({ args, ack, asked }) => (asked ? ack(...args) : socket.emit("echo_back", ...args)));
  on("ack_none", ({ ack }) => ack());
  on("late_ack", ({ args: [ms, value], ack }) => setTimeout(ack, ms, value));
  on("describe", ({ args, ack }) => ack(described(args)));
  on("make_bin", ({ args: [{ count, size }], ack, asked }) => {
    const items = Array.from({ length: count }, (_, i) => ({
      i,
      data: Buffer.from(Array.from({ length: size }, (_, j) => (i + j) % 256)),
    }));
    const made = { n: count, items };
    if (asked) ack(made);
    else socket.emit("made_bin", made);
  });
  on("big", ({ args: [n], ack }) => ack("x".repeat(n)));
  on("burst", ({ args: [n, size], ack }) => {
    for (let i = 0; i < n; i++) socket.emit("burst", i, "p".repeat(size));
    ack(n);
  });
  on("seq", ({ args: [i] }) => sequence.push(i));
  on("seq_get", ({ ack }) => {
    ack(sequence);
    sequence = [];
  });
  on("call_me", ({ args, ack }) => {
    socket.timeout(3000).emit("please_ack", ...args, (error, ...reply) => ack(error ? { ok: false } : { ok: true, reply }));
  });
  on("call_me_timeout", ({ args: [ms], ack }) => {
    const begun = Date.now();
    socket.timeout(ms).emit("never_ack", 1, (error) => ack({ timedOut: Boolean(error), after: Date.now() - begun }));
  });
  on("join", ({ args: [rooms], ack }) => {
    socket.join(list(rooms));
    ack(roomsOf(socket));
  });
  on("leave", ({ args: [rooms], ack }) => {
    for (const room of list(rooms)) socket.leave(room);
    ack(roomsOf(socket));
  });
  on("send", ({ args: [{ rooms, except, via, event, args = [], volatile }], ack }) => {
    let target = via === "socket" ? socket.broadcast : nsp;
    if (list(rooms).length) target = target.to(list(rooms));
    if (list(except).length) target = target.except(list(except));
    if (volatile) target = target.volatile;
    target.emit(event, ...args);
    ack(true);
  });
  on("ask_all", ({ args: [{ timeout, args = [], ...target }], ack }) => {
    within(target)
      .timeout(timeout)
      .emit("ask", ...args, (error, replies) => ack({ timedOut: Boolean(error), replies: replies.sort() }));
  });
  on("fetch", async ({ args: [target], ack }) => {
    let chosen = within(target);
    if (list(target.except).length) chosen = chosen.except(list(target.except));
    const found = await chosen.fetchSockets();
    const seen = found.map((one) => ({ id: one.id, rooms: roomsOf(one), data: one.data }));
    ack(seen.sort((a, b) => (a.id < b.id ? -1 : 1)));
  });
  on("set_data", ({ args: [data], ack }) => {
    socket.data = data;
    ack(true);
  });
  on("sockets_join", ({ args: [target], ack }) => {
    within(target).socketsJoin(target.join);
    ack(true);
  });
  on("sockets_leave", ({ args: [target], ack }) => {
    within(target).socketsLeave(target.leave);
    ack(true);
  });
  on("sockets_disconnect", ({ args: [target], ack }) => {
    ack(true);
    within(target).disconnectSockets(Boolean(target.close));
  });
  on("kick", ({ args: [close] }) => socket.disconnect(Boolean(close)));
  on("kick_engine", () => socket.conn.close());
  on("shout", ({ args: [value] }) => nsp.emit("shouted", value));
  on("vol", ({ args: [n], ack }) => {
    for (let i = 0; i < n; i++) socket.volatile.emit("vol_item", i);
    ack(n);
  });
  on("last_disconnect", ({ args: [id], ack }) => ack(gone.get(id) ?? null));
  on("steps", ({ ack }) => ack(socket.data.steps ?? []));

  socket.onAny((name, ...args) => {
    if (typeof args.at(-1) === "function") args.pop();
    if (typeof name === "string" && name.startsWith("any:")) socket.emit("any_seen", name, args.length);
  });
  socket.on("disconnecting", (reason) => gone.set(socket.id, { reason, rooms: roomsOf(socket) }));
}

function refusal(message, data) {
  return Object.assign(new Error(message), data && { data });
}

for (const name of ["/", "/custom", /^\/dyn-[0-9]+$/, "/auth", "/chain", "/slow"]) io.of(name).on("connection", serve);
io.of("/auth").use((socket, next) => {
  const { token } = socket.handshake.auth;
  next(token === "good" ? undefined : refusal("bad token", { code: "E_TOKEN", got: token ?? null }));
});
io.of("/chain").use((socket, next) => {
  socket.data.steps = ["one"];
  next();
});
io.of("/chain").use((socket, next) => {
  if (socket.handshake.auth.stop) return next(refusal("stopped at two"));
  socket.data.steps.push("two");
  next();
});
io.of("/slow").use((_, next) => setTimeout(next, 200));

process.on("SIGTERM", () => {
  plain.close();
  io.close(() => process.exit(0));
  web.closeAllConnections();
  setTimeout(() => process.exit(0), 2000); // not every client answers a close frame
});
web.listen(number("PORT", 3100), process.env.HOST ?? "127.0.0.1", () => console.log("listening"));
