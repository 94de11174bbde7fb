// SUITE=engine|socket SERVER='["path/to/conformance"]' node protocol.js

import { run } from "./lib/kit.js";

const suite = process.env.SUITE ?? "engine";
await import(`./suites/${suite}_protocol.js`);
const passed = await run({ title: `${suite} protocol`, only: process.argv[2] });
process.exit(passed ? 0 : 1);
