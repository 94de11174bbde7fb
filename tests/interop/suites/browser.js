// Two people in a headless Chromium, on the page of the chat example.

import assert from "node:assert/strict";
import { PATIENCE, test, until, within } from "../lib/kit.js";
import { browser } from "../lib/browser.js";
import { freePort } from "../lib/server.js";

const limit = 4 * PATIENCE;

/** Somebody with a browser window of their own, in a room. */
class Person {
  static async joins(running, url, nickname, { room = "lobby", ...options } = {}) {
    const person = new Person();
    const context = await running.newContext({ viewport: { width: 1000, height: 700 }, ...options });
    person.page = await context.newPage();
    person.page.setDefaultTimeout(PATIENCE);
    person.faults = [];
    person.page.on("pageerror", (error) => person.faults.push(String(error)));
    person.sockets = [];
    person.page.on("websocket", (socket) => person.sockets.push(socket.url()));
    await person.page.goto(url);
    await person.find("nickname").fill(nickname);
    await person.find("room").fill(room);
    await person.find("join").click();
    await person.find("message").waitFor();
    person.nickname = nickname;
    return person;
  }

  find(name) {
    return this.page.getByTestId(name);
  }

  entries(author) {
    return this.page.locator(`[data-testid=entry][data-author="${author}"]`);
  }

  async says(text) {
    await this.find("message").fill(text);
    await this.find("send").click();
  }

  /** Waits until what this author said is on the page. */
  hears(author, text) {
    return this.entries(author).filter({ hasText: text }).first().waitFor();
  }

  async status() {
    const { state, transport } = await this.find("status").evaluate((element) => ({ ...element.dataset }));
    return { state, transport };
  }

  on(transport) {
    return until(`${this.nickname} to be on ${transport}`, async () => {
      const status = await this.status();
      return status.state === "connected" && status.transport === transport;
    });
  }
}

/** The bytes of a picture of noise, drawn in the page: large enough to be more than one read. */
async function picture({ page }) {
  const base64 = await page.evaluate(async () => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [160, 120];
    const context = canvas.getContext("2d");
    const image = context.createImageData(160, 120);
    crypto.getRandomValues(image.data.subarray(0, 60_000));
    for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
    context.putImageData(image, 0, 0);
    return canvas.toDataURL("image/png").split(",")[1];
  });
  return Buffer.from(base64, "base64");
}

test("two people exchange messages and a picture, on WebSockets", { limit }, async (t) => {
  const running = await browser(t);
  const { url } = t.server;
  const [ann, bob] = [await Person.joins(running, url, "Ann"), await Person.joins(running, url, "Bob")];
  await Promise.all([ann.on("websocket"), bob.on("websocket")]);
  assert.ok(ann.sockets.some((socket) => /[?&]sid=/.test(socket)), "it upgraded, it did not start there");
  for (const person of [ann, bob]) {
    await until("both names", async () => /Ann[^]*Bob|Bob[^]*Ann/.test(await person.find("people").innerText()));
  }

  await ann.says("Hello Bob <b>äöü 🎈</b>");
  await bob.hears("Ann", "Hello Bob <b>äöü 🎈</b>");
  await bob.says("Hello Ann");
  await ann.hears("Bob", "Hello Ann");
  await ann.page.locator("[data-testid=entry][data-author=Ann][data-delivered=true]").first().waitFor();

  await ann.find("message").pressSequentially("let me think");
  await until("the typing to be seen", async () => (await bob.find("typing").innerText()).includes("Ann"));
  await ann.find("message").fill("");

  const bytes = await picture(ann);
  await ann.find("picture").setInputFiles({ name: "noise.png", mimeType: "image/png", buffer: bytes });
  await ann.find("send").click();
  const shown = bob.entries("Ann").locator("img");
  await shown.waitFor();
  await until("the picture to be drawn", () => shown.evaluate((image) => image.complete && image.naturalWidth === 160));
  const pixels = (person, image) =>
    image.evaluate((element) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [element.naturalWidth, element.naturalHeight];
      const context = canvas.getContext("2d");
      context.drawImage(element, 0, 0);
      return canvas.toDataURL("image/png");
    });
  const [received, sent] = [await pixels(bob, shown), await pixels(ann, ann.entries("Ann").locator("img").first())];
  assert.ok(received === sent, "the picture that arrived is the one that was sent");
  assert.deepEqual([...ann.faults, ...bob.faults], []);
});

test("rooms are apart", { limit }, async (t) => {
  const running = await browser(t);
  const { url } = t.server;
  const here = await Person.joins(running, url, "Here", { room: "garden" });
  const there = await Person.joins(running, url, "There", { room: "cellar" });
  const also = await Person.joins(running, url, "Also", { room: "garden" });
  await here.says("only for the garden");
  await also.hears("Here", "only for the garden");
  await there.says("anybody?");
  await there.hears("There", "anybody?");
  assert.equal(await there.entries("Here").count(), 0);
  assert.equal(await here.entries("There").count(), 0);
});

test("somebody who comes later sees what was said", { limit }, async (t) => {
  const running = await browser(t);
  const { url } = t.server;
  const early = await Person.joins(running, url, "Early", { room: "history" });
  await early.says("the first word");
  await early.hears("Early", "the first word");
  const late = await Person.joins(running, url, "Late", { room: "history" });
  await late.hears("Early", "the first word");
});

for (const [how, end] of [["ended", (server) => server.stop()], ["killed", (server) => server.signal("SIGKILL")]]) {
  test(`the server is ${how} and started again: both come back by themselves`, { limit }, async (t) => {
    const running = await browser(t);
    const port = await freePort();
    const first = await t.start({}, port);
    const [ann, bob] = [await Person.joins(running, first.url, "Ann"), await Person.joins(running, first.url, "Bob")];
    await Promise.all([ann.on("websocket"), bob.on("websocket")]);
    await ann.says("before");
    await bob.hears("Ann", "before");

    await end(first);
    await first.gone;
    for (const person of [ann, bob]) {
      await until("the loss to be shown", async () => (await person.status()).state !== "connected");
    }
    await t.start({}, port);
    await within("both to come back", Promise.all([ann.on("websocket"), bob.on("websocket")]));
    await bob.says("after");
    await ann.hears("Bob", "after");
    await ann.hears("Ann", "before");
    assert.deepEqual([...ann.faults, ...bob.faults], []);
  });
}

test("a phone's screen holds it", { limit }, async (t) => {
  const running = await browser(t);
  const options = { viewport: { width: 360, height: 640 }, isMobile: true, hasTouch: true };
  const phone = await Person.joins(running, t.server.url, "Phone", { room: "pocket", ...options });
  await phone.says("a long line without an end ".repeat(10) + "x".repeat(200));
  await phone.hears("Phone", "a long line");
  const { wide, sendInside } = await phone.page.evaluate(() => {
    const send = document.querySelector("[data-testid=send]").getBoundingClientRect();
    return {
      wide: document.documentElement.scrollWidth,
      sendInside: send.right <= innerWidth && send.bottom <= innerHeight,
    };
  });
  assert.ok(wide <= 360, `it is ${wide} pixels wide`);
  assert.ok(sendInside, "the button is on the screen");
});
