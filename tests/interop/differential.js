// Histories that clients, the application and the clock make, played to socket.io in memory: a line of JSON in, a line
// out, of what each step has led to (tests/tests/differential.rs). No time passes but the histories' own.

import { EventEmitter } from "node:events";
import { createInterface } from "node:readline";

import { Clock } from "./lib/clock.js";
import { directory, load } from "./lib/packages.js";

const { Server } = load("socket.io");
const { Server: Engine } = load("engine.io");
const { base64id } = load(`${directory("socket.io")}/dist/contrib/base64id.js`);

const clock = new Clock();
clock.install();

const turn = () => new Promise((done) => setImmediate(done));

/** A WebSocket whose other end takes all at once. */
class WebSocket extends EventEmitter {
  constructor(client) {
    super();
    Object.assign(this, { client, open: true });
  }

  send(data, done) {
    if (!this.open) return process.nextTick(done, new Error("it is closed"));
    this.client.hears("w", Buffer.isBuffer(data) ? `bytes ${data.toString("hex")}` : String(data));
    process.nextTick(done);
  }

  close() {
    if (!this.open) return;
    this.open = false;
    this.client.says("ws", "closed");
    process.nextTick(() => this.emit("close"));
  }

  /** The client is gone, and says so. */
  leaves() {
    if (!this.open) return;
    this.open = false;
    this.emit("close");
  }
}

/** In the place of `ws`: whoever asks has one. */
class WebSockets {
  handleUpgrade(req, _socket, _head, done) {
    req.client.websocket = new WebSocket(req.client);
    done(req.client.websocket);
  }

  close() {}
}

/** What a server knows of a request, and the server's answer. */
class Request extends EventEmitter {
  constructor(client, method, query) {
    super();
    const connection = { remoteAddress: "::1" };
    Object.assign(this, { client, method, url: `/socket.io/?${query}`, headers: {}, connection, socket: connection });
  }

  setEncoding() {}

  destroy() {
    process.nextTick(() => this.emit("close"));
  }
}

class Response extends EventEmitter {
  constructor(answered) {
    super();
    this.answered = answered;
  }

  setHeader() {}

  writeHead(status) {
    this.status = status;
    return this;
  }

  end(body = "") {
    this.answered(this.status ?? this.statusCode ?? 200, String(body));
    return this;
  }
}

/** The packets of a body. All texts are ASCII. */
function packets(eio, body) {
  if (eio === 4) return body.split("\x1e");
  const all = [];
  while (body) {
    const colon = body.indexOf(":");
    const end = colon + 1 + Number(body.slice(0, colon));
    all.push(body.slice(colon + 1, end));
    body = body.slice(end);
  }
  return all;
}

class Client {
  constructor(world, number, eio, pongs) {
    Object.assign(this, { world, number, eio, pongs, sid: "", polls: false, parked: undefined, pong: [] });
  }

  says(channel, text) {
    this.world.note(`${this.number} ${channel}`, text);
  }

  /** A packet has come, by `p`olling or by `w`ebsocket. */
  hears(way, packet) {
    // Which polls are freed, and when, is nobody's business but the transport's.
    if (way === "p" && packet === "6") return;
    this.says("hears", `${way} ${packet}`);
    if (packet.startsWith("0{")) this.sid = JSON.parse(packet.slice(1)).sid;
    if (packet === "2" && this.pongs) this.pong.push(way);
    if (way === "p" && packet === "1") this.polls = false;
  }

  query(transport) {
    const sid = this.sid && `&sid=${this.sid}`;
    return `EIO=${this.eio}&transport=${transport}${this.eio === 3 ? "&b64=1" : ""}${sid}`;
  }

  get() {
    const request = new Request(this, "GET", this.query("polling"));
    const response = new Response((status, body) => {
      if (request.dropped) return;
      if (this.parked === request) this.parked = undefined;
      if (status === 200) return packets(this.eio, body).forEach((packet) => this.hears("p", packet));
      this.polls = false;
      this.says("get", `${status} ${body}`);
    });
    this.parked ??= request;
    this.world.engine.handleRequest(request, response);
  }

  post(texts) {
    const counted = () => texts.map((text) => `${text.length}:${text}`).join("");
    const body = this.eio === 4 ? texts.join("\x1e") : counted();
    const request = new Request(this, "POST", this.query("polling"));
    const response = new Response((status, body) => this.says("post", `${status} ${body}`));
    this.world.engine.handleRequest(request, response);
    request.emit("data", body);
    request.emit("end");
  }

  attach() {
    const socket = new EventEmitter();
    socket.writable = true;
    socket.write = (text) => this.says("ws", text.split(" ")[1]);
    socket.end = (text) => text && socket.write(text);
    socket.destroy = () => {};
    this.world.engine.handleUpgrade(new Request(this, "GET", this.query("websocket")), socket, Buffer.alloc(0));
  }

  /** Does what a client does by itself; whether there was anything. */
  works() {
    const way = this.pong.shift();
    if (way === "p") this.post(["3"]);
    else if (way) this.frame("3");
    else if (this.polls && !this.parked) this.get();
    else return false;
    return true;
  }

  frame(data, binary = false) {
    if (this.websocket?.open) this.websocket.emit("message", Buffer.from(data), binary);
  }
}

class World {
  constructor() {
    Object.assign(this, { clients: [], sockets: [], sids: 0, ids: 0, unanswered: [], notes: {} });
    clock.clear();
    clock.now = 0;
    base64id.generateId = () => `s${this.ids++}`;
    const options = { allowEIO3: true, wsEngine: WebSockets, httpCompression: false };
    this.io = new Server({ serveClient: false });
    this.engine = new Engine(options);
    this.engine.generateId = () => `e${this.sids++}`;
    this.io.bind(this.engine);
    for (const name of ["/", "/a"]) this.io.of(name).on("connection", (socket) => this.lives(socket));
    this.io.of("/no").use((_socket, next) => next(new Error("no")));
  }

  note(channel, text) {
    (this.notes[channel] ??= []).push(text);
  }

  lives(socket) {
    const channel = `socket ${this.sockets.length}`;
    this.sockets.push(socket);
    this.note(channel, `connected ${socket.nsp.name} ${socket.id}`);
    socket.on("disconnecting", (why) => this.note(channel, `disconnecting ${why} ${[...socket.rooms].sort()}`));
    socket.on("disconnect", (why) => this.note(channel, `disconnected ${why}`));
    socket.onAny((name, ...args) => {
      const done = typeof args.at(-1) === "function" ? args.pop() : undefined;
      this.note(channel, `${name} ${told(args)}${done ? " asked" : ""}`);
      done?.(...args);
    });
  }

  /** Until nobody has anything to do. */
  async rest() {
    do {
      await turn();
      await turn();
    } while (this.clients.map((client) => client.works()).includes(true));
  }

  emit(socket, how, at) {
    switch (how) {
      case "text":
        return socket.emit("e", "x");
      case "bytes":
        return socket.emit("e", Buffer.from([1, 2]));
      case "volatile":
        return socket.volatile.emit("e", "v");
      case "ask":
        return socket.timeout(15_000).emit("q", (error, ...args) => {
          if (error) this.unanswered[at] = (this.unanswered[at] ?? 0) + 1;
          else this.note(`socket ${at}`, `answer ${told(args)}`);
        });
    }
  }

  /** How many emits of each socket had no answer: when is not compared. */
  last() {
    return Object.fromEntries(Object.entries(this.unanswered).map(([at, count]) => [`socket ${at}`, [`${count} without answer`]]));
  }

  async step([what, at, ...rest]) {
    const client = this.clients[at];
    const socket = this.sockets[at];
    switch (what) {
      case "open": {
        const [transport, pongs] = rest;
        const it = new Client(this, this.clients.length, at, pongs);
        this.clients.push(it);
        it.polls = transport === "polling";
        if (!it.polls) it.attach();
        break;
      }
      case "post":
        client.post(rest[0]);
        break;
      case "get":
        client.get();
        break;
      case "polls":
        client.polls = rest[0];
        break;
      case "upgrade":
        client.attach();
        break;
      case "frame":
        client.frame(rest[0]);
        break;
      case "bytes":
        client.frame(Buffer.from(rest[0], "hex"), true);
        break;
      case "gone":
        client.websocket?.leaves();
        break;
      case "abort": {
        const parked = client.parked;
        client.parked = undefined;
        client.polls = false;
        if (parked) parked.dropped = true;
        parked?.emit("close");
        break;
      }
      case "emit":
        if (socket?.connected) this.emit(socket, rest[0], at);
        break;
      case "tell": {
        const [room, except] = rest;
        let to = this.io.of(at);
        if (room) to = to.to(room);
        if (except) to = to.except(except);
        to.emit("all", 1);
        break;
      }
      case "join":
        socket?.join(rest[0]);
        break;
      case "leave":
        socket?.leave(rest[0]);
        break;
      case "out":
        socket?.disconnect(rest[0]);
        break;
      case "wait":
        await clock.pass(at, () => this.rest());
        break;
    }
    await this.rest();
    const notes = this.notes;
    this.notes = {};
    return notes;
  }
}

/** Arguments as text. */
const told = (args) => JSON.stringify(args, (_, value) => (value?.type === "Buffer" ? Buffer.from(value.data).toString("hex") : value));

for await (const line of createInterface({ input: process.stdin })) {
  const world = new World();
  const all = [];
  for (const step of JSON.parse(line)) all.push(await world.step(step));
  all.push(world.last());
  process.stdout.write(`${JSON.stringify(all)}\n`);
}
