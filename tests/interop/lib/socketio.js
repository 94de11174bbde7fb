// The Socket.IO client under test: CLIENT is its version, TRANSPORT how it may connect, PARSER the package
// that writes and reads its packets, if not its own (`json`, `msgpack`); with ASKED it asks its server for that.

import { load } from "./packages.js";
import { until, within } from "./kit.js";

export const VERSION = process.env.CLIENT ?? "4.8";
export const PARSER = process.env.PARSER;
export const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

/** A client of the 2.x line: Socket.IO revision 4 on Engine.IO revision 3. */
export const LEGACY = VERSION.startsWith("2.");

/** The library of a version. */
function library(version) {
  const client = load(`socket.io-client-${version}`);
  return { io: client.io ?? client, Manager: client.Manager };
}

const { Manager } = library(VERSION);

/** The parser of a client's line. */
function parser(version, name = PARSER) {
  if (!name) return {};
  const lines = { json: ["2.1", "3.0"], msgpack: ["2.2", "3.0"] }[name];
  return {
    parser: load(`socket.io-${name}-parser-${lines[version.startsWith("2.") ? 0 : 1]}`),
    ...(process.env.ASKED && { query: { parser: name } }),
  };
}

/** The newest client of the other line. */
export const OTHER = LEGACY ? "4.8" : "2.5";

/** What tells a namespace who asks to be let in: before 3.0 that was the query of its own. */
const admission = ({ auth, ...options }) => (LEGACY && auth ? { ...options, query: auth } : { ...options, ...(auth && { auth }) });

/** A socket on a connection of its own, closed when the case is over; not yet connected. */
export function dial(t, namespace = "/", { url = t.server.url, version = VERSION, parser: name = PARSER, ...options } = {}) {
  const its = parser(version, name);
  const admitted = admission(options);
  const socket = library(version).io(url + namespace, {
    transports: TRANSPORTS[t.transport],
    forceNew: true,
    ...its,
    reconnectionDelay: 50,
    reconnectionDelayMax: 100,
    ...admitted,
    ...((its.query || admitted.query) && { query: { ...its.query, ...admitted.query } }),
  });
  t.after(() => hangUp(socket.io));
  return socket;
}

/** As `dial`, and waits until it is connected. */
export async function open(t, namespace, options) {
  const socket = dial(t, namespace, options);
  await connected(socket);
  return socket;
}

/** A connection that several namespaces share. */
export function manager(t, options = {}) {
  const manager = new Manager(t.server.url, { transports: TRANSPORTS[t.transport], reconnectionDelay: 50, ...parser(VERSION), ...options });
  t.after(() => hangUp(manager));
  return manager;
}

/** A namespace on a shared connection. */
export const member = (manager, namespace, options = {}) => manager.socket(namespace, admission(options));

/** Asks again to be let in, as somebody else. */
export function again(socket, auth) {
  socket[LEGACY ? "query" : "auth"] = auth;
  socket.connect();
}

export async function connected(socket) {
  if (socket.connected) return socket;
  return within(
    "a connection",
    new Promise((resolve, reject) => {
      socket.once("connect", () => resolve(socket));
      socket.once("connect_error", reject);
    }),
  );
}

/** Waits for the upgrade, where there is one. */
export async function settled(t, socket) {
  if (t.transport === "upgrade") await until("the upgrade", () => socket.io.engine?.transport.name === "websocket");
}

/** The refusal of a namespace: its message and its data. To the 2.x line, one of them is said: the data if there is any. */
export function refused(socket) {
  return within(
    "a refusal",
    new Promise((resolve, reject) => {
      socket.once("connect", () => reject(new Error("it was let in")));
      if (LEGACY) socket.once("error", (said) => resolve(typeof said === "string" ? { message: said } : { data: said }));
      else socket.once("connect_error", resolve);
    }),
  );
}

/** Emits and waits for the ack: its arguments. */
export function ask(socket, event, ...args) {
  return within(
    `the ack of ${event}`,
    new Promise((resolve) => socket.emit(event, ...args, (...answer) => resolve(answer))),
  );
}

/** As `ask`, its first argument. */
export async function value(socket, event, ...args) {
  return (await ask(socket, event, ...args))[0];
}

/** The arguments of the next event of this name. */
export function next(socket, event) {
  return within(
    `the event ${event}`,
    new Promise((resolve) => socket.once(event, (...args) => resolve(args))),
  );
}

/** Everything received under this name, as it comes. */
export function collect(socket, event) {
  const seen = [];
  socket.on(event, (...args) => seen.push(args));
  return seen;
}

/** Ends a connection and its attempts to come back. */
export function hangUp(manager) {
  manager.reconnection(false);
  manager.skipReconnect = true;
  manager.engine?.close();
  (manager._close ?? manager.close).call(manager);
}

/** Binary in whatever form a client delivers it, as Buffers, so that values can be compared. */
export function plain(value) {
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  }
  return value;
}

/** `count` bytes that differ from their neighbours. */
export const bytes = (count, first = 0) => Buffer.from(Array.from({ length: count }, (_, at) => (first + at * 7) % 256));
