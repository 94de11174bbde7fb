// CHROMIUM=/usr/bin/chromium SERVER='["path/to/chat"]' node browser.js

import { run } from "./lib/kit.js";

await import("./suites/browser.js");
const passed = await run({ title: "Chromium", only: process.argv[2] });
process.exit(passed ? 0 : 1);
