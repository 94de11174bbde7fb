// The browser bundle of the 2.5 client in a headless Chromium, on a page of another origin.

import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { browser } from "../lib/browser.js";
import { PATIENCE, test, within } from "../lib/kit.js";
import { directory } from "../lib/packages.js";

const limit = 4 * PATIENCE;
const BUNDLES = { 2.5: "socket.io-client-2.5", 4.8: "socket.io-client-4.8" };

/** A page of its own origin that holds both clients, as `io2` and `io4`. */
async function page(t, running) {
  const web = http.createServer((request, response) => {
    const bundle = BUNDLES[request.url.slice(1)];
    response.setHeader("content-type", bundle ? "text/javascript" : "text/html");
    if (bundle) return response.end(fs.readFileSync(path.join(directory(bundle), "dist/socket.io.js")));
    response.end("<!doctype html><script src=/2.5></script><script>io2 = io</script><script src=/4.8></script><script>io4 = io</script>");
  });
  await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    web.closeAllConnections();
    web.close();
  });
  const context = await running.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.faults = [];
  page.requests = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.faults.push(message.text()));
  page.on("request", (request) => page.requests.push(request));
  await page.goto(`http://127.0.0.1:${web.address().port}/`);
  return page;
}

/**
 * Runs in the page: everything a client does, over a connection with these options; what came back. The client
 * stays until its page goes: were it to disconnect, its POST might overtake its last GET, which then gets 400.
 */
async function converse([client, url, options]) {
  const socket = window[client](url, { forceNew: true, reconnection: false, ...options });
  const failed = new Promise((_, reject) => {
    for (const name of ["connect_error", "error"]) socket.on(name, (error) => reject(new Error(`${name}: ${error?.message ?? error}`)));
  });
  const ask = (...args) => Promise.race([failed, new Promise((resolve) => socket.emit(...args, (...answer) => resolve(answer)))]);
  await Promise.race([failed, new Promise((resolve) => socket.once("connect", resolve))]);
  const [who] = await ask("who");
  const texts = await ask("echo", "ü 🎈 \u2028 </script> \" \\ \n", { a: [1, null] });
  const bytes = new Uint8Array(300).map((_, i) => i * 7).buffer;
  const [described] = await ask("describe", { data: bytes });
  const [made] = await ask("make_bin", { count: 2, size: 200 });
  const lengths = made.items.map(({ data }) => data.byteLength);
  const [count] = await ask("burst", 200, 100);
  if (options.transports?.length !== 1 && !options.forceJSONP) {
    while (socket.io.engine.transport.name !== "websocket") await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const transport = socket.io.engine.transport;
  const used = transport.constructor.name === "JSONPPolling" || transport.script !== undefined ? "jsonp" : transport.name;
  const [big] = await ask("echo", "x".repeat(50_000));
  return { who, texts, described, lengths, count, used, big: big.length };
}

const WAYS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrade: {},
  jsonp: { transports: ["polling"], forceJSONP: true },
};

for (const [way, options] of Object.entries(WAYS)) {
  test(`a page of another origin talks over ${way}`, { limit }, async (t) => {
    const running = await browser(t);
    const view = await page(t, running);
    const heard = await within("the conversation", view.evaluate(converse, ["io2", t.server.url, options]));
    assert.equal(heard.who.eio, 3);
    assert.deepEqual(heard.texts, ["ü 🎈 \u2028 </script> \" \\ \n", { a: [1, null] }]);
    const sum = Array.from({ length: 300 }, (_, i) => (i * 7) % 256).reduce((all, one) => all + one, 0);
    assert.deepEqual(heard.described, [{ data: { $bin: 300, $sum: sum % 65536 } }]);
    assert.deepEqual(heard.lengths, [200, 200]);
    assert.equal(heard.count, 200);
    assert.equal(heard.used, way === "upgrade" ? "websocket" : way);
    assert.equal(heard.big, 50_000);
    assert.deepEqual(view.faults, []);
    const polls = view.requests.filter((request) => request.url().includes("transport=polling"));
    if (way === "jsonp") assert.ok(polls.some((request) => request.resourceType() === "script"));
    else assert.ok(polls.every((request) => request.resourceType() === "xhr"));
  });
}

test("a cookie of the server's comes back from another origin", { limit }, async (t) => {
  // faults: T1
  const running = await browser(t);
  const view = await page(t, running);
  const { port } = new URL(t.server.url);
  await view.context().addCookies([{ name: "seen", value: "before", domain: "127.0.0.1", path: "/" }]);
  await within("the conversation", view.evaluate(converse, ["io2", t.server.url, WAYS.polling]));
  const polls = view.requests.filter((request) => new URL(request.url()).port === port && request.method() === "GET");
  assert.ok(polls.length > 1);
  for (const request of polls) assert.equal((await request.allHeaders()).cookie, "seen=before");
  assert.deepEqual(view.faults, []);
});

test("both lines on one page, in one room", { limit }, async (t) => {
  const running = await browser(t);
  const view = await page(t, running);
  const heard = await within(
    "the broadcast",
    view.evaluate(async (url) => {
      const sockets = [window.io2(url, { forceNew: true }), window.io4(url, { forceNew: true })];
      await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.emit("join", "page", resolve))));
      const heard = sockets.map((socket) => new Promise((resolve) => socket.once("said", (...args) => resolve(args))));
      sockets[0].emit("send", { rooms: "page", via: "server", event: "said", args: ["to both", { n: 1 }] }, () => {});
      return Promise.all(heard);
    }, t.server.url),
  );
  assert.deepEqual(heard, [["to both", { n: 1 }], ["to both", { n: 1 }]]);
  assert.deepEqual(view.faults, []);
});
