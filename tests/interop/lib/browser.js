// A headless Chromium: CHROMIUM is its path.

import { load } from "./packages.js";

const { chromium } = load("playwright-core");

/** Started for one case, and ended with it. */
export async function browser(t) {
  const running = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  t.after(() => running.close());
  return running;
}
