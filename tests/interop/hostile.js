// SERVER='["path/to/interop"]' node hostile.js

import { run } from "./lib/kit.js";

await import("./suites/hostile.js");
// No heartbeat falls into a case.
const passed = await run({
  title: "hostile input",
  env: { PING_INTERVAL: "25000", PING_TIMEOUT: "20000", CONNECT_TIMEOUT: "20000" },
  only: process.argv[2],
});
process.exit(passed ? 0 : 1);
