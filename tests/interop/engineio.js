// CLIENT=6.6|3.5 TRANSPORT=polling|websocket|upgrade SERVER='["path/to/interop"]' node engineio.js

import { run } from "./lib/kit.js";

const { VERSION } = await import("./suites/engine.js");

const transport = process.env.TRANSPORT ?? "upgrade";
const passed = await run({ title: `engine.io-client ${VERSION}, ${transport}`, transport, only: process.argv[2] });
process.exit(passed ? 0 : 1);
