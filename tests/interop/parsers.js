// TRANSPORT=polling|websocket|upgrade SERVER='["path/to/interop"]' node parsers.js
//
// Clients of both lines on one server, with parsers of their own that they ask for and without.

import { PATIENT, run } from "./lib/kit.js";
import "./suites/parsers.js";

const transport = process.env.TRANSPORT ?? "upgrade";
process.env.ASKED = "1";
const env = { ...PATIENT, ASKED: "1", RECOVERY_MS: "60000" };
const passed = await run({ title: `several parsers, ${transport}`, transport, env, only: process.argv[2] });
process.exit(passed ? 0 : 1);
