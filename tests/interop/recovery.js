// CLIENT=4.6|4.7|4.8 TRANSPORT=polling|websocket|upgrade SERVER='["path/to/interop"]' node recovery.js

import { VERSION } from "./lib/socketio.js";
import { PATIENT, run } from "./lib/kit.js";
import "./suites/recovery.js";

const transport = process.env.TRANSPORT ?? "upgrade";
const env = { ...PATIENT, RECOVERY_MS: "20000" };
const passed = await run({ title: `recovery of ${VERSION}, ${transport}`, transport, env, only: process.argv[2] });
process.exit(passed ? 0 : 1);
