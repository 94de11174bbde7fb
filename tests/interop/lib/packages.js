// The npm packages are installed outside the source tree (tests/src/install.rs), so that a checkout
// stays clean: SIO_NODE_PACKAGES is the directory that holds `node_modules`. Without it they are
// looked for beside package.json, where a plain `npm ci` puts them.

import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = process.env.SIO_NODE_PACKAGES;
const require = createRequire(root ? path.join(root, "package.json") : import.meta.url);

export const load = (name) => require(name);

/** Where a package lies. */
export const directory = (name) => path.join(root ?? fileURLToPath(new URL("..", import.meta.url)), "node_modules", name);
