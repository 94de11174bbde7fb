// Starts the server under test: SERVER is its command line, as a JSON list of strings.

import { spawn } from "node:child_process";
import net from "node:net";
import readline from "node:readline";

// The chat example fetches its client when it is started for the first time.
const READY_WITHIN = 100_000;
const GONE_WITHIN = 10_000;

// Below those that Linux gives to connections: one of these can be taken before the server listens.
const FIRST_PORT = 12_000;
const PORTS = 20_000;
let taken = process.pid * 61;

/** A port nobody listens on. */
export async function freePort() {
  for (;;) {
    taken += 1;
    const port = FIRST_PORT + (taken % PORTS);
    const probe = net.createServer();
    const free = new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
    if (await free) return port;
  }
}

/** Starts the server with these options in its environment and waits for its one line. */
export async function start(env = {}, port) {
  const [program, ...args] = JSON.parse(process.env.SERVER ?? "[]");
  if (!program) throw new Error("SERVER is not set: the command line of the server, as a JSON list");
  port ??= await freePort();
  const child = spawn(program, args, {
    env: { ...process.env, ...env, HOST: "127.0.0.1", PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // Whatever ends this process ends its servers.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  const gone = new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => resolve({ error }));
  });
  const ready = new Promise((resolve) => readline.createInterface({ input: child.stdout }).once("line", resolve));
  const late = new Promise((resolve) => setTimeout(resolve, READY_WITHIN, "late").unref());
  const first = await Promise.race([ready, late, gone]);
  if (typeof first !== "string" || first === "late") {
    child.kill("SIGKILL");
    throw new Error(`${program} did not get ready: ${JSON.stringify(first)}`);
  }
  return new Server(child, gone, port);
}

class Server {
  constructor(child, gone, port) {
    this.child = child;
    this.gone = gone;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** What a plain route answers, as text. */
  async get(path) {
    const response = await fetch(this.url + path);
    return response.text();
  }

  async stats() {
    return JSON.parse(await this.get("/stats"));
  }

  signal(name) {
    this.child.kill(name);
  }

  /** Asks it to end; `{ code, signal, forced }` once it has. */
  async stop() {
    let forced = false;
    const timer = setTimeout(() => {
      forced = true;
      this.child.kill("SIGKILL");
    }, GONE_WITHIN);
    this.child.kill("SIGTERM");
    const end = await this.gone;
    clearTimeout(timer);
    return { ...end, forced };
  }
}
