// An emitter of Node's: node emit.js <emitter> <redis port> <key> <said>
// `said` is a list of chains, `[[["to", "x"], ["emit", "news", 1]], ..]`; an object `{"$bin": "00ff"}` is bytes.

import { createRequire } from "node:module";

const require = createRequire(`${process.env.NODE_PACKAGES}/`);
const [emitter, redisPort, key, said] = process.argv.slice(2);
const port = Number(redisPort);

async function made() {
  switch (emitter) {
    case "classic": {
      const client = require("redis-5").createClient({ url: `redis://127.0.0.1:${port}` });
      await client.connect();
      const { Emitter } = require("@socket.io/redis-emitter");
      return [new Emitter(client, { key }), () => client.close()];
    }
    case "v2": {
      const all = require("socket.io-emitter")({ host: "127.0.0.1", port, key });
      return [all, () => new Promise((done) => all.redis.quit(done))];
    }
    default:
      throw new Error(`no such emitter: ${emitter}`);
  }
}

const bytes = (_, value) => (value?.$bin === undefined ? value : Buffer.from(value.$bin, "hex"));
const [all, close] = await made();
for (const chain of JSON.parse(said, bytes)) {
  let it = all;
  for (const [name, ...args] of chain) it = typeof it[name] === "function" ? it[name](...args) : it[name];
}
// What was said before is taken before this is answered.
await close();
process.exit(0);
