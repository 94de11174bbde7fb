// CHROMIUM=/usr/bin/chromium SERVER='["path/to/interop"]' node browser_legacy.js

import { run } from "./lib/kit.js";

await import("./suites/browser_legacy.js");
const passed = await run({ title: "Chromium, socket.io-client 2.5", only: process.argv[2] });
process.exit(passed ? 0 : 1);
