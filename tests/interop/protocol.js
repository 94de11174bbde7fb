// SUITE=engine|engine_3|socket|socket_4|socket_msgpack SERVER='["path/to/conformance"]' node protocol.js

import { PATIENT, run } from "./lib/kit.js";

const suite = process.env.SUITE ?? "engine";
const file = {
  engine: "engine_protocol",
  engine_3: "engine_protocol_3",
  socket: "socket_protocol",
  socket_4: "socket_protocol_4",
  socket_msgpack: "socket_msgpack",
}[suite];
await import(`./suites/${file}.js`);
const passed = await run({ env: PATIENT, title: `${suite} protocol`, only: process.argv[2] });
process.exit(passed ? 0 : 1);
