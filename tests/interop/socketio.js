// CLIENT=4.8|4.0|3.1|2.5|2.0 TRANSPORT=polling|websocket|upgrade SERVER='["path/to/interop"]' node socketio.js

import { PATIENT, run } from "./lib/kit.js";
import { VERSION } from "./lib/socketio.js";

for (const suite of ["messages", "binary", "namespaces", "rooms", "upgrade", "limits", "mixed", "shutdown", "disconnects"]) {
  await import(`./suites/${suite}.js`);
}

const transport = process.env.TRANSPORT ?? "upgrade";
const passed = await run({ title: `socket.io-client ${VERSION}, ${transport}`, transport, env: PATIENT, only: process.argv[2] });
process.exit(passed ? 0 : 1);
