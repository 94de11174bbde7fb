// DEFLATE=alone|context SERVER='["path/to/interop"]' node deflate.js

import { run } from "./lib/kit.js";

await import("./suites/deflate.js");
// No heartbeat falls into a case.
const passed = await run({
  title: `permessage-deflate, ${process.env.DEFLATE}`,
  env: { PING_INTERVAL: "25000", PING_TIMEOUT: "20000" },
  only: process.argv[2],
});
process.exit(passed ? 0 : 1);
