// The contract of `client_bench` on Node's socket.io-client: `echo` and `idle`, one connection a client, by WebSocket.
import { readFileSync } from "node:fs";
import { io } from "socket.io-client";

const variable = (name, otherwise) => Number(process.env[name] ?? otherwise);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const one = async () => {
  const url = process.env.URL ?? "http://127.0.0.1:3000";
  const socket = io(url, { transports: ["websocket"], forceNew: true });
  socket.on("tick", () => {});
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
  return socket;
};

const all = async (count) => {
  const sockets = [];
  for (let i = 0; i < count; i += 1) sockets.push(await one());
  return sockets;
};

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const resident = () => 1024 * Number(readFileSync("/proc/self/smaps_rollup", "utf8").match(/^Rss:\s+(\d+) kB/m)[1]);

const scenarios = {
  async echo() {
    const sockets = await all(variable("CLIENTS", 50));
    const payload = { id: 1234567, name: "somebody", text: "sixty bytes of JSON, or so" };
    const warm = variable("WARMUP", 500);
    const begin = performance.now() + warm;
    const end = begin + variable("DURATION", 3000);
    let units = 0;
    const ask = async (socket) => {
      while (performance.now() < end) {
        await socket.emitWithAck("echo", payload);
        if (performance.now() >= begin) units += 1;
      }
    };
    const asking = sockets.flatMap((socket) => Array.from({ length: variable("IN_FLIGHT", 1) }, () => ask(socket)));
    await sleep(warm);
    const before = cpu();
    await Promise.all(asking);
    return { units, cpu: cpu() - before };
  },
  async idle() {
    await all(20);
    const before = resident();
    const units = variable("CLIENTS", 2000);
    await all(units);
    await sleep(variable("SETTLE", 2000));
    return { units, resident: resident() - before };
  },
};

console.log(JSON.stringify(await scenarios[process.argv[2]]()));
process.exit(0);
