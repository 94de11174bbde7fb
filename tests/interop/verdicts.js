// What socket.io-parser and engine.io-parser make of texts: a line of JSON in, a line out (tests/tests/verdicts.rs).

import { createInterface } from "node:readline";

import { load } from "./lib/packages.js";

const { Decoder } = load("socket.io-parser");
const { decodePayload } = load("engine.io-parser");

/** What JSON has no form for, and text as it is once it is UTF-8. */
function plain(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("hex") };
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number") return { $number: String(value) };
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  // `__proto__` is a member like others.
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.toWellFormed(), plain(member)]));
}

/** A packet of Socket.IO, whose attachments are one byte each: 0, 1, 2. */
function packet(text) {
  const decoder = new Decoder();
  let read = null;
  decoder.on("decoded", (it) => (read = it));
  try {
    decoder.add(text);
    for (let at = 0; !read && at < 10; at += 1) decoder.add(Buffer.from([at]));
  } catch {
    return { error: true };
  }
  const { type, nsp, id, data } = read;
  // Events and answers have one; elsewhere nobody reads it.
  // An answer without data has no arguments.
  return plain({ type, nsp, id: type === 2 || type === 3 ? id : undefined, data: data ?? (type === 3 ? [] : undefined) });
}

/** A body of Engine.IO, revision 4. */
function payload(text) {
  const packets = decodePayload(text, "nodebuffer");
  const error = packets.at(-1)?.type === "error";
  if (error) packets.pop();
  // Of the others nobody reads what they carry.
  const carries = ["open", "ping", "pong", "message"];
  return plain({ packets: packets.map(({ type, data }) => ({ type, data: (carries.includes(type) && data) || "" })), error });
}

const read = { packet, payload }[process.argv[2]];
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(read(JSON.parse(line)))}\n`);
}
