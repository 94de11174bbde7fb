// The page of @socket.io/admin-ui in a headless Chromium, with servers that it may see all of (DEVELOPMENT: `admin` and
// `changeit`), and that it may see figures of (PRODUCTION: nobody is asked who they are). PAGES holds the page.
//
// CHROMIUM=/usr/bin/chromium PAGES=node_modules/@socket.io/admin-ui/ui/dist DEVELOPMENT=http://127.0.0.1:3000 PRODUCTION=http://127.0.0.1:3001 node admin.js

import assert from "node:assert/strict";
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { browser } from "./lib/browser.js";
import { until, within } from "./lib/kit.js";
import { load } from "./lib/packages.js";

const { io } = load("socket.io-client-4.8");
const { PAGES, DEVELOPMENT, PRODUCTION } = process.env;
const PATIENCE = 60_000;
const LIMIT = 140_000;
const KINDS = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png" };

const endings = [];
const t = { after: (ending) => endings.push(ending) };

/** The page's own server, on an origin of its own. */
async function pages() {
  const web = http.createServer((request, response) => {
    const file = path.join(PAGES, path.normalize(new URL(request.url, "http://page").pathname));
    const named = file.endsWith("/") ? `${file}index.html` : file;
    if (!fs.existsSync(named)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": KINDS[path.extname(named)] ?? "application/octet-stream" });
    response.end(fs.readFileSync(named));
  });
  await new Promise((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    web.closeAllConnections();
    web.close();
  });
  return `http://127.0.0.1:${web.address().port}/`;
}

async function client(url, options = {}) {
  const socket = io(url, { forceNew: true, reconnection: false, transports: ["websocket"], ...options });
  t.after(() => socket.close());
  await within("a client to be in", new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  }), PATIENCE);
  return socket;
}

class Admin {
  constructor(page, url) {
    Object.assign(this, { page, url, faults: [] });
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => this.faults.push(String(error)));
  }

  async opens() {
    await this.page.goto(this.url);
  }

  /** Names a server, and who one is. */
  async enters(server, name, password) {
    const dialog = this.page.locator(".v-dialog--active");
    await dialog.getByLabel("Server URL").fill(server);
    await dialog.getByLabel("Username").fill(name);
    await dialog.getByLabel("Password").fill(password);
    await dialog.getByRole("button", { name: "Connect" }).click();
  }

  /** Waits until it is let in. */
  async isIn() {
    await this.page.locator(".v-dialog--active").waitFor({ state: "detached" });
    await this.page.getByText("connected", { exact: true }).first().waitFor();
  }

  /** Another view of the page. */
  async looks(at) {
    await this.page.evaluate((hash) => (location.hash = hash), at);
  }

  /** The button with this icon. */
  clicks(among, icon) {
    return among.locator(`button:has(.mdi-${icon})`).first().click();
  }

  /** The rows of tables that have these. */
  rows(...words) {
    return words.reduce((all, hasText) => all.filter({ hasText }), this.page.locator("tbody tr:visible"));
  }

  /** Waits until the row that has these says just this under a head of its table. */
  async reads(head, text, ...words) {
    const row = this.rows(...words);
    await until(`${head} of ${words} to be ${text}`, async () => (await row.count()) > 0 && (await this.cell(row.first(), head)) === text, PATIENCE);
  }

  async cell(row, head) {
    const heads = await row.locator("xpath=ancestor::table").locator("thead th").allTextContents();
    const at = heads.findIndex((it) => it.trim() === head);
    assert.notEqual(at, -1, `no ${head} among ${heads}`);
    return (await row.locator("td").nth(at).textContent()).trim();
  }

  /** Waits until there is one. */
  async sees(...words) {
    const row = this.rows(...words).first();
    await row.waitFor();
    return row;
  }
}

async function admin(running, url) {
  const context = await running.newContext({ viewport: { width: 1400, height: 900 }, locale: "en" });
  // Fonts of elsewhere: without them, icons take no room, so their buttons are what is clicked.
  await context.route(({ hostname }) => hostname !== "127.0.0.1", (route) => route.abort());
  return new Admin(await context.newPage(), url);
}

/** All of it, and what is done about it. */
async function development(running, url) {
  const ann = await client(DEVELOPMENT);
  await ann.emitWithAck("join", "lobby");
  const page = await admin(running, url);
  await page.opens();
  await page.enters(DEVELOPMENT, "admin", "guess");
  await page.page.getByText("Invalid credentials").waitFor();
  await page.enters(DEVELOPMENT, "admin", "changeit");
  await page.isIn();

  // Who was there before, and who comes now.
  await page.looks("#/sockets/");
  await page.sees(ann.id, "WebSocket");
  const bob = await client(DEVELOPMENT, { transports: ["polling", "websocket"] });
  await until("the upgrade", () => bob.io.engine.transport.name === "websocket", PATIENCE);
  await page.sees(bob.id, "WebSocket");

  // Rooms, as they come and go.
  await page.looks("#/rooms/");
  await page.reads("# of sockets", "1", "lobby");
  await bob.emitWithAck("join", "lobby");
  await page.reads("# of sockets", "2", "lobby");
  await bob.emitWithAck("leave", "lobby");
  await page.reads("# of sockets", "1", "lobby");

  // What is said, both ways.
  await page.looks("#/events/");
  await bob.emitWithAck("hello", { a: [1, null] }, Buffer.from([1, 2, 3]));
  await page.sees(bob.id, "hello");
  await page.sees(bob.id, "welcome");
  await page.sees(bob.id, "lobby");

  // One socket, with what is kept with it, and a room that it is put into.
  await page.looks("#/sockets/");
  await (await page.sees(bob.id)).click();
  await page.page.locator("pre", { hasText: '"name": "nobody"' }).waitFor();
  await page.sees("127.0.0.1");
  await page.page.getByLabel("Join a room").fill("vip");
  await page.clicks(page.page, "tag-plus-outline");
  await until("the room", async () => (await bob.emitWithAck("rooms")).includes("vip"), PATIENCE);
  await page.clicks(await page.sees("vip"), "tag-off-outline");
  await until("no room", async () => !(await bob.emitWithAck("rooms")).includes("vip"), PATIENCE);

  // By hand what the page has no button for, and by the id of the session that the page was given.
  const sessionId = await page.page.evaluate(() => localStorage.getItem("session_id"));
  assert.match(sessionId, /^[0-9a-f]{32}$/);
  const hand = await client(`${DEVELOPMENT}/admin`, { auth: { sessionId } });
  const told = (socket) => within("an event", new Promise((resolve) => socket.once("told", (...args) => resolve(args))), PATIENCE);
  const [first, second] = [told(ann), told(bob)];
  hand.emit("emit", "/", undefined, "told", "all", 1);
  assert.deepEqual([await first, await second], [["all", 1], ["all", 1]]);
  const third = told(ann);
  hand.emit("emit", "/", ann.id, "told", "one");
  assert.deepEqual(await third, ["one"]);
  // Of what is not there nothing comes, nor of what is no order.
  hand.emit("emit", "/nowhere", "", "told");
  hand.emit("join", 7);

  // Somebody is taken out.
  const gone = new Promise((resolve) => bob.once("disconnect", resolve));
  const { id } = bob;
  await page.looks("#/sockets/");
  await page.clicks(await page.sees(id, "WebSocket"), "logout");
  assert.equal(await within("the end", gone, PATIENCE), "io server disconnect");
  // A click on a button is one on its row, too, which leads to another view.
  await page.looks("#/rooms/");
  await page.sees("lobby");
  await page.looks("#/sockets/");
  await page.sees(ann.id, "WebSocket");
  await until("his row to go", async () => (await page.rows(id).count()) === 0, PATIENCE);

  // Who comes back is known.
  await page.page.reload();
  await page.isIn();
  await page.looks("#/servers/");
  await page.sees("test server", "healthy");
  assert.deepEqual(page.faults, []);

  // Nobody else is let in.
  for (const auth of [undefined, {}, { sessionId: "" }, { sessionId: "0".repeat(32) }, { username: "admin" }, { username: "ann", password: "changeit" }, { username: 1, password: [] }]) {
    await assert.rejects(client(`${DEVELOPMENT}/admin`, { auth }), { message: "invalid credentials" });
  }
}

/** Figures, and nothing to be done. */
async function production(running, url) {
  const ann = await client(PRODUCTION);
  const bob = await client(PRODUCTION, { transports: ["polling"] });
  const page = await admin(running, url);
  await page.opens();
  await page.enters(PRODUCTION, "", "");
  await page.isIn();
  await page.looks("#/servers/");
  // Those two and the page itself.
  await page.reads("# of clients", "3", "test server", "healthy");

  const hand = await client(`${PRODUCTION}/admin`);
  const stats = [];
  const others = [];
  hand.onAny((name, args) => (name === "server_stats" ? stats.push(args) : others.push(name)));
  hand.emit("_disconnect", "/", true);
  hand.emit("join", "/", "vip");
  await ann.emitWithAck("hello", "x".repeat(100));
  const all = (type) => stats.flatMap((it) => it.aggregatedEvents).filter((it) => it.type === type);
  bob.close();
  await until("the figures", () => all("bytesIn").some(({ count }) => count > 100) && all("rawDisconnection").length > 0, PATIENCE);
  await until("who polls", () => stats.at(-1).pollingClientsCount === 0, PATIENCE);
  assert.ok(all("packetsIn").every(({ timestamp, count }) => timestamp % 1000 === 0 && count > 0));
  const { namespaces, serverId, uptime } = stats.at(-1);
  assert.deepEqual([serverId, namespaces.find(({ name }) => name === "/").socketsCount], ["test server", 1]);
  assert.ok(uptime >= 0);
  // Orders were not heard, and nobody is shown.
  assert.deepEqual([ann.connected, await ann.emitWithAck("rooms")], [true, [ann.id]]);
  assert.deepEqual(others.filter((name) => name !== "config"), []);
  assert.deepEqual(page.faults, []);
}

const failed = [];
const stories = { development, production };
const running = await browser(t);
const url = await pages();
for (const [name, story] of Object.entries(stories)) {
  try {
    await within("the story to end", story(running, url), LIMIT);
    console.log(`ok ${name}`);
  } catch (fault) {
    failed.push(name);
    console.log(`not ok ${name}\n${fault.stack}`);
  }
}
for (const ending of endings.reverse()) await ending();
console.log(JSON.stringify({ passed: Object.keys(stories).length - failed.length, failed }));
process.exit(failed.length ? 1 : 0);
