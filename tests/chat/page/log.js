/* The messages on the screen. */

import { $, avatar, element, hue, icon, outbox, session } from "./tools.js";

/* A page left open for a week must not grow for a week. */
const SHOWN = 400;

const unseen = []; // acknowledgements held back until the page is looked at

const clock = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit" });
const calendar = new Intl.DateTimeFormat([], { weekday: "long", day: "numeric", month: "long" });
export const nearEnd = () => $("log").scrollHeight - $("log").scrollTop - $("log").clientHeight < 120;

export function toEnd() {
  $("log").scrollTop = $("log").scrollHeight;
  $("newest").hidden = true;
}
$("newest").addEventListener("click", toEnd);
$("log").addEventListener("scroll", () => nearEnd() && ($("newest").hidden = true));

/* The log as the server knows it, and below it what this page still waits to send. */
export function renew(history) {
  const waiting = new Set([...outbox.values()].map(({ row }) => row));
  for (const row of [...$("log").children]) waiting.has(row) ? row.remove() : forget(row);
  add(history);
  if (!$("log").querySelector(".message")) {
    $("log").append(element("div", { class: "empty" }, element("b", {}, "Nothing said yet"), "Be the first, or open this page twice."));
  }
}

/* Messages of the server's that are not on the screen yet; what waits to be sent stays below them. */
export function add(history) {
  for (const message of history) {
    if (outbox.has(message.key)) forget(outbox.get(message.key).row);
    outbox.delete(message.key);
    if (!$("log").querySelector(`[data-key="${CSS.escape(message.key)}"]`)) show(message);
  }
  for (const { row, room } of outbox.values()) if (room === session.room) $("log").append(row);
}

export function show(message) {
  const mine = message.nick === session.nick;
  const previous = $("log").lastElementChild;
  const day = calendar.format(message.at);
  $("log").querySelector(".empty")?.remove();
  if ([...$("log").querySelectorAll(".day")].pop()?.textContent !== day) {
    $("log").append(element("div", { class: "day" }, day));
  }
  const follows = previous?.classList.contains("message") && previous.dataset.author === message.nick
    && message.at - previous.dataset.at < 180000;
  const row = element("div", { class: "message", "data-testid": "entry", "data-author": message.nick, "data-at": message.at, "data-key": message.key });
  if (message.id) row.dataset.id = message.id;
  row.style.setProperty("--hue", hue(message.nick));
  row.classList.toggle("mine", mine);
  row.classList.toggle("follows", Boolean(follows));

  const bubble = element("div", { class: "bubble" });
  if (message.picture) bubble.append(photo(message));
  if (message.text) bubble.append(element("p", { class: "text" }, ...linked(message.text)));
  if (!message.picture && /^(\p{Extended_Pictographic}\uFE0F?\s*){1,3}$/u.test(message.text)) row.classList.add("jumbo");
  bubble.append(element("p", { class: "foot" },
    element("time", { datetime: new Date(message.at).toISOString() }, clock.format(message.at)), ...(mine ? [element("span", { class: "state" })] : [])));

  const body = element("div", { class: "body" });
  if (!mine && !follows) body.append(element("p", { class: "who" }, message.nick));
  body.append(bubble);
  if (!mine) row.append(follows ? element("span") : avatar(message.nick));
  row.append(body);
  $("log").append(row);
  if (mine) mark(row, message.status || (message.seen ? "seen" : "delivered"), message.seen);
  trim();
  return row;
}

function trim() {
  while ($("log").children.length > SHOWN) forget($("log").firstElementChild);
}

function forget(row) {
  const image = row.querySelector("img");
  if (image) URL.revokeObjectURL(image.src);
  row.remove();
}

export function note(text, extra = "") {
  const atEnd = nearEnd();
  $("log").append(element("div", { class: `note ${extra}` }, text));
  trim();
  if (atEnd) toEnd();
}

function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"']+)/).map((part, i) =>
    i % 2 ? element("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part) : part);
}

const STATES = {
  waiting: ["clock", "Waiting for the connection"],
  sent: ["tick", "Sent"],
  delivered: ["ticks", "Delivered"],
  seen: ["ticks", "Seen"],
  failed: ["alert", "Not sent"],
};

export function mark(row, status, by, of) {
  const [picture, words] = STATES[status];
  const detail = status === "seen" ? `Seen by ${by}${of > by ? ` of ${of}` : ""}` : words;
  row.dataset.status = status;
  if (status === "delivered" || status === "seen") row.dataset.delivered = "true";
  if (by) row.dataset.seenBy = by;
  const state = row.querySelector(".state");
  state.title = detail;
  state.replaceChildren(...(status === "seen" ? [element("span", { "aria-hidden": "true" }, String(by))] : []), icon(picture),
    element("span", { class: "hidden" }, detail));
}

/* The picture of a message: its bytes came along, or are asked for (history carries none). */
function photo(message) {
  const { name, kind, data } = message.picture;
  const frame = element("button", { class: "photo", type: "button", "aria-label": `Picture ${name}, show larger` });
  const fill = (bytes) => {
    const atEnd = nearEnd();
    const image = element("img", { alt: name });
    image.addEventListener("load", () => atEnd && toEnd());
    image.src = URL.createObjectURL(new Blob([bytes], { type: kind }));
    frame.replaceChildren(image);
    frame.onclick = () => {
      $("viewer").querySelector("img").src = image.src;
      $("viewer").querySelector("img").alt = name;
      $("viewer").showModal();
    };
  };
  const gone = (text) => frame.replaceChildren(element("span", { class: "gone" }, text));
  if (data) {
    fill(data);
  } else {
    gone("Loading picture…");
    session.socket.timeout(15000).emit("picture", message.id, (error, bytes) =>
      error || !bytes ? gone("This picture is no longer kept.") : fill(bytes));
  }
  return frame;
}
$("viewer").addEventListener("click", () => $("viewer").close());

/* Somebody's message counts as seen when the page is in front of somebody. */
export function whenSeen(ack) {
  if (typeof ack !== "function") return;
  if (document.visibilityState === "visible") ack(true);
  else unseen.push(ack);
}
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") unseen.splice(0).forEach((ack) => ack(true));
});

