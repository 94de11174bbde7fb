// A wire that can be cut: forwards TCP connections to a port until told otherwise.

import net from "node:net";

/**
 * `{ url, cut(), asked() }`; after `cut` its connections are gone without a goodbye and no new one gets through. `asked`:
 * whether a GET has gone to the server that it has not answered.
 */
export async function wire(t, port) {
  const sockets = new Set();
  const waiting = new Set();
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
    near.on("data", (data) => data.toString("latin1", 0, 4) === "GET " && waiting.add(near));
    far.on("data", () => waiting.delete(near));
    near.on("close", () => waiting.delete(near));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const cut = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  t.after(cut);
  return { url: `http://127.0.0.1:${server.address().port}`, cut, asked: () => waiting.size > 0 };
}
