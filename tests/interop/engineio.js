// TRANSPORT=polling|websocket|upgrade SERVER='["path/to/interop"]' node engineio.js

import { run } from "./lib/kit.js";

await import("./suites/engine.js");

const transport = process.env.TRANSPORT ?? "upgrade";
const passed = await run({ title: `engine.io-client, ${transport}`, transport, only: process.argv[2] });
process.exit(passed ? 0 : 1);
