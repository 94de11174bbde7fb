/* What one says: text, pictures, and that one is typing. */

import { $, banner, count, element, outbox, session, unique } from "./tools.js";
import { mark, nearEnd, show, toEnd } from "./log.js";

const LIMITS = { text: 2000, picture: 512 * 1024, side: 1600 };
const TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

const typists = new Map(); // who types, with the timer that forgets them
let chosen = null;         // the picture that will go with the next message

function say() {
  const text = $("message").value.trim().slice(0, LIMITS.text);
  if (!text && !chosen) return;
  const key = unique();
  const message = { key, nick: session.nick, at: Date.now(), text, picture: chosen, status: session.joined ? "sent" : "waiting" };
  const waiting = { key, text, picture: chosen, room: session.room, row: show(message) };
  outbox.set(key, waiting);
  $("message").value = "";
  choose(null);
  grow();
  typed(false);
  toEnd();
  deliver(waiting);
}

/* Sends it, or leaves it in the outbox until the room is entered again. The key keeps it from being said twice. */
export function deliver(waiting) {
  const { key, text, picture, room, row } = waiting;
  if (!session.joined || room !== session.room) return;
  mark(row, "sent");
  session.socket.timeout(10000).emit("say", { key, text, picture }, (error, answer) => {
    if (error) {
      mark(row, "waiting");
      if (session.joined) setTimeout(() => outbox.has(key) && deliver(waiting), 1000);
      return;
    }
    outbox.delete(key);
    if (!answer.ok) {
      mark(row, "failed");
      return banner(answer.error);
    }
    row.dataset.id = answer.id;
    if (row.dataset.status !== "seen") mark(row, "delivered");
  });
}

function grow() {
  $("message").style.height = "auto";
  $("message").style.height = `${$("message").scrollHeight}px`;
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  say();
  $("message").focus();
});
$("message").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    say();
  }
});
$("message").addEventListener("input", () => {
  grow();
  typed(Boolean($("message").value));
});

function choose(picture) {
  const atEnd = nearEnd();
  chosen = picture;
  const image = $("preview").querySelector("img");
  if (image.src) URL.revokeObjectURL(image.src);
  $("preview").hidden = !picture;
  if (!picture) {
    image.removeAttribute("src");
    $("picture").value = "";
    return;
  }
  image.src = URL.createObjectURL(new Blob([picture.data], { type: picture.kind }));
  if (atEnd) toEnd();
  $("preview").querySelector("figcaption").textContent = `${picture.name} · ${Math.ceil(picture.data.byteLength / 1024)} KB`;
  $("message").focus();
}

async function take(file) {
  if (!file) return;
  if (!file.type.startsWith("image/")) return banner("Only pictures can be sent.");
  try {
    const fits = TYPES.includes(file.type) && file.size <= LIMITS.picture;
    const blob = fits ? file : await smaller(file);
    const name = (file.name || "picture").slice(0, 60);
    choose({ name, kind: blob.type, data: await blob.arrayBuffer() });
    banner("");
  } catch {
    banner("This picture cannot be read, or is too large.");
  }
}

/* A photo from a phone has some megabytes; a chat needs a tenth of that. */
async function smaller(file) {
  const bitmap = await createImageBitmap(file);
  for (const [side, quality] of [[LIMITS.side, 0.85], [1200, 0.75], [800, 0.7]]) {
    const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const canvas = element("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", quality));
    if (blob && blob.size <= LIMITS.picture) return blob;
  }
  throw new Error("too large");
}

$("picture").addEventListener("change", () => take($("picture").files[0]));
$("preview").querySelector("button").addEventListener("click", () => choose(null));
$("message").addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
  if (file) {
    event.preventDefault();
    take(file);
  }
});
for (const kind of ["dragover", "dragleave", "drop"]) {
  $("conversation").addEventListener(kind, (event) => {
    event.preventDefault();
    $("composer").classList.toggle("dropping", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}

let typingSaid = 0;
let typingEnds = 0;
function typed(on) {
  clearTimeout(typingEnds);
  if (!session.joined) return;
  if (on) {
    if (Date.now() - typingSaid > 2000) {
      typingSaid = Date.now();
      session.socket.volatile.emit("typing", true);
    }
    typingEnds = setTimeout(() => typed(false), 4000);
  } else if (typingSaid) {
    typingSaid = 0;
    session.socket.volatile.emit("typing", false);
  }
}

export function startTyping(id, nick) {
  stopTyping(id);
  // The end of typing is volatile too: whoever is not heard of again is forgotten.
  typists.set(id, { nick, timer: setTimeout(() => stopTyping(id), 6000) });
  showTyping();
}

export function stopTyping(id) {
  clearTimeout(typists.get(id)?.timer);
  typists.delete(id);
  showTyping();
}

/* Forgets those who type: all of them, or those that `gone` knows to have left. */
export function nobodyTypes(gone = () => true) {
  [...typists.keys()].filter(gone).forEach(stopTyping);
}

function showTyping() {
  const names = [...typists.values()].map(({ nick }) => nick);
  if (!names.length) return $("typing").replaceChildren();
  const words = names.length > 2 ? `${count(names.length, "person is", "people are")} typing` : `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} typing`;
  $("typing").replaceChildren(element("span", { class: "dots", "aria-hidden": "true" }, element("i"), element("i"), element("i")), element("span", {}, words));
}

