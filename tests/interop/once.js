// STEP=1 SERVER='["path/to/interop"]' node once.js: socket.io-client 4.6.1 and 4.8.4, each by each transport.

import { run } from "./lib/kit.js";
import "./suites/once.js";

const env = { RECOVERY_MS: "60000", PING_INTERVAL: "1500", PING_TIMEOUT: "1500", CONNECT_TIMEOUT: "5000" };
const passed = await run({ title: "once", transport: "websocket", env, only: process.argv[2] });
process.exit(passed ? 0 : 1);
