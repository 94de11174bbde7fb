/* What every part of the page needs: elements, names, what is remembered, and who we are. */

/** @type {(id: string) => any} */
export const $ = (id) => document.getElementById(id);

/* One connection, one room at a time. `boot` changes when the server is restarted. */
export const session = {
  nick: "", id: "", room: "", boot: "", key: visitorKey(), joined: false,
  /** @type {import("./page.d.ts").ChatSocket} */
  socket: /** @type {any} */ (null),
};

/* What we said and the server has not acknowledged, by the key that we gave it. */
export const outbox = new Map();

export function banner(text) {
  $("banner").textContent = text;
  $("banner").hidden = !text;
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") made.className = value;
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

export function remembered(name, value) {
  // Private windows may refuse storage; the chat works without.
  try {
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function unique() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/* Says to the server that a name in use is ours, left behind by a lost connection. One per tab. */
function visitorKey() {
  try {
    const key = sessionStorage.getItem("key") || unique();
    sessionStorage.setItem("key", key);
    return key;
  } catch {
    return unique();
  }
}

export const hue = (name) => [...name].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);
export const initials = (name) => name.split(/\s+/).map((word) => [...word][0] || "").slice(0, 2).join("");
export const count = (n, one, many) => `${n} ${n === 1 ? one : many}`;

export function avatar(name) {
  const made = element("span", { class: "avatar", "aria-hidden": "true" }, initials(name));
  made.style.setProperty("--hue", hue(name));
  return made;
}

const dark = matchMedia("(prefers-color-scheme: dark)");
function paint() {
  document.documentElement.dataset.theme = remembered("theme") || (dark.matches ? "dark" : "light");
}
dark.addEventListener("change", paint);
$("theme").addEventListener("click", () => {
  remembered("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
  paint();
});
paint();

