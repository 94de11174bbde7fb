// CUTS=1000 SEED=1 SERVER='["path/to/interop"]' node recovery.js: socket.io-client 4.6.1, 4.7.5 and 4.8.4, each by each
// transport, all at once.

import { run } from "./lib/kit.js";
import "./suites/recovery.js";

// Who is not told of a cut is to find out soon, whatever the machine has to do: that is one more cut.
const env = { RECOVERY_MS: "60000", PING_INTERVAL: "1500", PING_TIMEOUT: "1500", CONNECT_TIMEOUT: "5000" };
const passed = await run({ title: "recovery", transport: "websocket", env, only: process.argv[2] });
process.exit(passed ? 0 : 1);
