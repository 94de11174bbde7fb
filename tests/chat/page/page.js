/*
 * The page of the chat example: no framework, no build step, one Socket.IO connection.
 *
 * What a browser test can hold on to:
 *   #nick #room #join            the entrance           (data-testid: nickname, room, join)
 *   #message #send #picture      the composer           (data-testid: message, send, picture)
 *   #log                         the messages           (data-testid: messages)
 *   .message                     one message            (data-testid: entry), with data-id, data-author,
 *     [data-status]                of one's own: waiting, sent, delivered, seen (data-seen-by="2") or failed
 *     [data-delivered="true"]      of one's own, once the server has acknowledged it
 *     img                          a received picture, a blob: URL
 *   #transport                   the connection         (data-testid: status): data-state is connecting, connected
 *                                or disconnected, data-transport is polling or websocket
 *   #typing #people #banner      who types, who is here, what is wrong with the connection
 *
 * Events, all of them declared in contract.rs and written out in events.d.ts: out `join`, `say`, `typing`, `picture`; in `message` (acknowledged when a
 * person could have seen it), `seen`, `typing`, `people`, `rooms`.
 */

import { $, avatar, banner, count, element, hue, initials, outbox, remembered, session } from "./tools.js";
import { add, mark, nearEnd, note, renew, show, toEnd, whenSeen } from "./log.js";
import { deliver, nobodyTypes, startTyping, stopTyping } from "./composer.js";

const SILENT = "The server does not answer. Trying again…";

function connect() {
  if (typeof io !== "function") {
    trouble("The Socket.IO client is missing: this server could not fetch it with npm. Its terminal says how to help.");
    $("join").disabled = true;
    return;
  }
  /** @type {import("./page.d.ts").ChatSocket} */
  const socket = io({ reconnectionDelay: 500, reconnectionDelayMax: 4000 });
  session.socket = socket;

  socket.on("connect", () => {
    showTransport();
    if (session.nick) enter(session.room);
    else trouble("");
  });
  socket.on("disconnect", (reason) => {
    session.joined = false;
    // A server that sends us away wants us back all the same: it may only be restarting.
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), 1000);
    offline("Connection lost. Trying again…");
  });
  socket.on("connect_error", () => offline(SILENT));
  socket.io.on("reconnect_attempt", showTransport);
  socket.io.on("open", () => {
    showTransport();
    socket.io.engine.on("upgrade", showTransport);
  });

  socket.on("message", (message, ack) => {
    const atEnd = nearEnd();
    show(message);
    stopTyping(message.from);
    if (atEnd) toEnd();
    else $("newest").hidden = false;
    whenSeen(ack);
  });
  socket.on("seen", ({ id, by, of }) => {
    const row = $("log").querySelector(`.message.mine[data-id="${id}"]`);
    if (row && by > 0) mark(row, "seen", by, of);
  });
  socket.on("typing", ({ id, nick, on }) => (on ? startTyping(id, nick) : stopTyping(id)));
  socket.on("people", ({ people, came, left }) => {
    showPeople(people);
    if (came) note(`${came} came in`);
    if (left) note(`${left} left`);
    nobodyTypes((id) => !people.some((person) => person.id === id));
  });
  socket.on("rooms", showRooms);
}

function showTransport() {
  const { connected, active, io: manager } = session.socket;
  const pill = $("transport");
  const name = connected ? manager.engine.transport.name : "";
  pill.dataset.state = connected ? "connected" : active ? "connecting" : "disconnected";
  pill.dataset.transport = name;
  pill.textContent = name || (session.boot ? "reconnecting" : "connecting");
  pill.title = name ? `Connected by ${name}` : "Not connected";
}

function offline(text) {
  showTransport();
  if ($("chat").hidden) trouble(text);
  else banner(text);
  for (const waiting of outbox.values()) mark(waiting.row, "waiting");
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
}

/* Into a room: the first one, another one, or the same one after the connection was lost. */
function enter(room) {
  const { nick, key, socket } = session;
  socket.timeout(10000).emit("join", { nick, room, key }, (error, answer) => {
    if (error) return offline(SILENT);
    if (!answer.ok) return session.joined ? banner(answer.error) : turnedAway(answer.error);

    const isBack = session.boot && session.room === answer.room;
    const restarted = isBack && session.boot !== answer.boot;
    const { history, people, rooms } = answer;
    Object.assign(session, { nick: answer.nick, id: answer.id, room: answer.room, boot: answer.boot, joined: true });
    remembered("nick", session.nick);
    banner("");
    trouble("");
    $("entrance").hidden = true;
    $("chat").hidden = false;
    $("newest").hidden = true;
    nobodyTypes();
    if (restarted) note("The server was restarted. What is above is remembered by this page only.", "restart");
    if (isBack) add(history);
    else renew(history);
    showMyself();
    showPeople(people);
    showRooms(rooms);
    showTransport();
    toEnd();
    for (const waiting of outbox.values()) deliver(waiting);
    if (matchMedia("(min-width: 761px)").matches) $("message").focus();
  });
}

function turnedAway(reason) {
  session.nick = "";
  $("chat").hidden = true;
  $("entrance").hidden = false;
  trouble(reason);
  $("nick").focus();
}

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const nick = $("nick").value.trim();
  if (!nick) {
    trouble("Please choose a name.");
    $("nick").focus();
    return;
  }
  Object.assign(session, { nick, room: $("room").value.trim() || "lobby" });
  trouble("");
  if (session.socket.connected) enter(session.room);
  else trouble("Connecting to the server…");
});

function moveTo(room) {
  closeSide();
  if (session.joined && room && room !== session.room) enter(room);
}

function showMyself() {
  const { nick, room } = session;
  $("room-name").textContent = room;
  $("my-nick").textContent = nick;
  $("my-avatar").textContent = initials(nick);
  $("my-avatar").style.setProperty("--hue", hue(nick));
  document.title = `#${room} · sio chat`;
}

function showRooms(rooms) {
  const wanted = $("room").value.trim();
  const pick = (name) => {
    $("room").value = name;
    showRooms(rooms);
  };
  $("suggestions").replaceChildren(...rooms.slice(0, 6).map(({ name }) =>
    element("button", { type: "button", "aria-pressed": name === wanted, onclick: () => pick(name) }, name)));
  $("rooms").replaceChildren(...rooms.map(({ name, people }) =>
    element("li", {}, element("button", { type: "button", "aria-current": name === session.room, onclick: () => moveTo(name) },
      element("span", { class: "name" }, name),
      element("span", { class: "count" }, people || "", element("span", { class: "hidden" }, people === 1 ? " person" : " people"))))));
}

function showPeople(people) {
  $("room-people").textContent = count(people.length, "person here", "people here");
  $("people").replaceChildren(...people.map(({ id, nick }) =>
    element("li", {}, avatar(nick), element("span", {}, nick), ...(id === session.id ? [element("span", { class: "you" }, "you")] : []))));
}

$("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  moveTo($("new-room-name").value.trim());
  $("new-room-name").value = "";
});

function openSide() {
  $("side").classList.add("open");
  $("shade").hidden = false;
  $("open-side").setAttribute("aria-expanded", "true");
  $("close-side").focus();
}
function closeSide() {
  $("side").classList.remove("open");
  $("shade").hidden = true;
  $("open-side").setAttribute("aria-expanded", "false");
}
$("open-side").addEventListener("click", openSide);
$("close-side").addEventListener("click", () => {
  closeSide();
  $("open-side").focus();
});
$("shade").addEventListener("click", closeSide);
addEventListener("keydown", (event) => event.key === "Escape" && closeSide());

$("nick").value = remembered("nick") || "";
$("room").value = new URLSearchParams(location.search).get("room")?.slice(0, 24) || "lobby";
connect();
if (!$("nick").value) $("nick").focus();
