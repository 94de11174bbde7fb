// SUITE=socket.io-client|engine.io-client CLIENT=4.8 TRANSPORT=upgrade SERVER='["path/to/client_suite"]' node client_suite.js

import { run } from "./lib/kit.js";

const suite = process.env.SUITE ?? "socket.io-client";
await import(suite === "socket.io-client" ? "./suites/client_suite_socketio.js" : "./suites/client_suite_engineio.js");

const transport = process.env.TRANSPORT ?? "upgrade";
const passed = await run({ title: `${suite}'s server, ${transport}`, transport, env: { SUITE: suite }, only: process.argv[2] });
process.exit(passed ? 0 : 1);
