// A line that breaks.

import net from "node:net";

/** Chance that can be played again. */
export function chance(seed) {
  return (below) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Who does not hear of a cut, and finds out by the heartbeat. */
export const DEAF = { nobody: {}, server: { far: true }, client: { near: true }, both: { near: true, far: true } };

/** What a line bears, as `draw` has it. */
function drawn(draw) {
  // A third of them break while a connection is made: in a handshake, a probe, a CONNECT.
  const bytes = 1 + draw(draw(3) ? 3000 : 1200);
  // Few, where it is the client that waits: that takes as long as a heartbeat.
  const deaf = draw(16) ? DEAF[draw(3) ? "nobody" : "server"] : DEAF[draw(2) ? "client" : "both"];
  return draw(4) ? { toClient: bytes, toServer: Infinity, deaf } : { toClient: Infinity, toServer: 1 + draw(600), deaf };
}

/**
 * Connections to a port that all break after so many bytes in one direction, wherever in a frame or a request that
 * is, and again and again, as `draw` or a function has it; until `mend`. `snap` breaks them at once, for both ends.
 */
export async function brittle(t, port, draw, next = drawn) {
  const lines = new Set();
  const held = new Set();
  let bears = next(draw);
  let broken = false;
  let whole = false;
  const wire = { cuts: 0, passed: { toClient: 0, toServer: 0 } };
  const cut = ({ near: silent, far: unheard }) => {
    wire.cuts++;
    broken = false;
    for (const [near, far] of lines) {
      if (silent) near.pause();
      else near.destroy();
      if (unheard) far.pause();
      else far.destroy();
    }
    lines.clear();
    if (!whole) bears = next(draw);
  };
  wire.snap = () => cut(DEAF.nobody);
  wire.mend = () => {
    whole = true;
    bears = { toClient: Infinity, toServer: Infinity, deaf: DEAF.nobody };
  };
  const pass = (line, from, to, direction) =>
    from.on("data", (data) => {
      if (!lines.has(line) || broken) return;
      if (data.length < bears[direction]) {
        bears[direction] -= data.length;
        wire.passed[direction] += data.length;
        to.write(data);
        return;
      }
      const { deaf } = bears;
      const last = data.subarray(0, bears[direction]);
      // The last bytes leave before it breaks, and nothing behind them.
      broken = true;
      to.write(last, () => cut(deaf));
    });
  const server = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    const line = [near, far];
    lines.add(line);
    for (const end of line) {
      held.add(end);
      end.on("error", () => {});
    }
    pass(line, near, far, "toServer");
    pass(line, far, near, "toClient");
    const closed = (end, other) => () => {
      held.delete(end);
      if (lines.delete(line)) other.destroy();
    };
    near.on("close", closed(near, far));
    far.on("close", closed(far, near));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  wire.end = () => {
    server.close();
    for (const end of held) end.destroy();
  };
  t.after(wire.end);
  wire.url = `http://127.0.0.1:${server.address().port}`;
  return wire;
}
