// The protocol spoken by hand: HTTP requests and WebSocket frames as they are on the wire.

import http from "node:http";
import { load } from "./packages.js";
import { within } from "./kit.js";

const { WebSocket } = load("ws");

/** Query parameters in this order; a value of `undefined` leaves the key out. */
function target(t, path, query) {
  const url = new URL(path, (t.target ?? t.server).url);
  for (const [key, value] of Object.entries(query)) if (value !== undefined) url.searchParams.append(key, value);
  return url;
}

/** One exchange on a TCP connection of its own: `{ status, headers, body, bytes }`. `signal` drops it. */
export function exchange(t, method, path, query, { body, headers, signal } = {}) {
  const answered = new Promise((resolve, reject) => {
    const request = http.request(target(t, path, query), { method, headers, signal, agent: false }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const bytes = Buffer.concat(chunks);
        resolve({ status: response.statusCode, headers: response.headers, body: bytes.toString(), bytes });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
  return within(`the answer to ${method} ${path}`, answered);
}

/** A WebSocket whose frames are read one by one. */
export class Wire {
  #frames = [];
  #readers = [];

  constructor(socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        for (const { reject } of this.#readers.splice(0)) reject(new Error(`closed (${code}) while a frame was waited for`));
      });
    });
    socket.on("error", () => {}); // followed by `close`
    socket.on("message", (data, binary) => {
      const frame = binary ? data : data.toString();
      const reader = this.#readers.shift();
      if (reader) reader.resolve(frame);
      else this.#frames.push(frame);
    });
  }

  send(...frames) {
    for (const frame of frames) this.socket.send(frame);
  }

  /** Several frames in one write, so that the server may read them at once. */
  sendTogether(...frames) {
    this.socket._socket.cork();
    this.send(...frames);
    this.socket._socket.uncork();
  }

  next() {
    if (this.#frames.length) return Promise.resolve(this.#frames.shift());
    const frame = new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
    return within("a frame", frame);
  }

  /** The next frame that is not the heartbeat's, which is answered. */
  async heard() {
    for (;;) {
      const frame = await this.next();
      if (frame !== "2") return frame;
      this.send("3");
    }
  }

  /** The close frame's `{ code, reason }`. */
  end() {
    return within("the WebSocket to close", this.closed);
  }

  get open() {
    return this.socket.readyState === WebSocket.OPEN;
  }
}

/** Opens a WebSocket; an error with the `status` if it is refused. */
export function websocket(t, path, query, options = {}) {
  const url = target(t, path, query);
  url.protocol = "ws:";
  const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
  const wire = new Wire(socket);
  t.after(() => socket.terminate());
  const opened = new Promise((resolve, reject) => {
    socket.once("open", () => resolve(wire));
    socket.once("unexpected-response", (_, response) => {
      response.resume();
      reject(Object.assign(new Error(`refused with ${response.statusCode}`), { status: response.statusCode }));
    });
    socket.once("error", reject);
  });
  return within("the WebSocket to open", opened);
}

/** One session by hand, at one path. */
export class Peer {
  constructor(t, path) {
    this.t = t;
    this.path = path;
  }

  get query() {
    return { EIO: "4", transport: "polling", sid: this.sid };
  }

  /** A polling session. */
  static async polling(t, path) {
    const peer = new Peer(t, path);
    const { status, body } = await peer.poll();
    if (status !== 200 || !body.startsWith("0")) throw new Error(`no handshake: ${status} ${body}`);
    peer.handshake = JSON.parse(body.slice(1));
    peer.sid = peer.handshake.sid;
    return peer;
  }

  poll(options) {
    return exchange(this.t, "GET", this.path, this.query, options);
  }

  post(body, headers = { "content-type": "text/plain;charset=UTF-8" }) {
    return exchange(this.t, "POST", this.path, this.query, { body, headers });
  }

  /** A WebSocket for this session. */
  candidate() {
    return websocket(this.t, this.path, { ...this.query, transport: "websocket" });
  }

  /** Polls until this many packets have come, noops left out and pings answered; the packets. */
  async packets(count) {
    const seen = [];
    while (seen.length < count) {
      const { status, body } = await this.poll();
      if (status !== 200) throw new Error(`a poll was answered ${status} after ${JSON.stringify(seen)}`);
      for (const packet of body.split("\x1e")) {
        if (packet === "2") await this.post("3");
        else if (packet !== "6") seen.push(packet);
      }
    }
    return seen;
  }
}

/** A session on a WebSocket from the start, its handshake read. */
export async function direct(t, path) {
  const wire = await websocket(t, path, { EIO: "4", transport: "websocket" });
  wire.handshake = JSON.parse((await wire.next()).slice(1));
  return wire;
}
