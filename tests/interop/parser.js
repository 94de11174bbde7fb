// PARSER=msgpack|json CLIENT=4.8|2.5 TRANSPORT=polling|websocket|upgrade SERVER='["path/to/interop"]' node parser.js
//
// The suites of the usual packets with a parser of the application's own, from npm on this side.

import { PATIENT, run } from "./lib/kit.js";
import { LEGACY, PARSER, VERSION } from "./lib/socketio.js";

const suites = ["parser", "messages", "rooms", "upgrade", "shutdown"];
// The parsers of the 2.x line take no refusal but a text.
if (!LEGACY) suites.push("namespaces");
if (PARSER === "msgpack") suites.push("binary");
// Nor does the official server with one of them understand clients of the other line.
if (PARSER === "msgpack" && !process.env.SIO_INTEROP_REFERENCE) suites.push("mixed");
for (const suite of suites) await import(`./suites/${suite}.js`);

const without = {
  // Bytes do not travel in them.
  json: [
    "the server's question is answered by the client's ack",
    "a broadcast stream has no gap for those who upgrade under it",
    "binary to a room",
    ...(LEGACY ? [] : ["binary in a namespace"]),
  ],
  // notepack.io writes whole numbers of more than 64 bits as others.
  msgpack: ["each value comes back in an ack as it was sent", "all values come back in one ack, in place", "an event without ack is answered by an event"],
}[PARSER];
// Its query says which parser it asks for, too.
if (process.env.ASKED) without.push("a socket knows who it is");

const transport = process.env.TRANSPORT ?? "upgrade";
const passed = await run({ title: `${PARSER}, socket.io-client ${VERSION}, ${transport}`, transport, env: PATIENT, only: process.argv[2], without });
process.exit(passed ? 0 : 1);
