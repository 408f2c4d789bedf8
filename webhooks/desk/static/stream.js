// The live stream: what changed, how many wait, and on the queue's own page the queue; and polling while it is broken.
// Rule: the stream is one for a page. It is opened anew where what it is to show is chosen anew.
import { board, show, waiting } from "./board.js";
import { change, everything } from "./changes.js";
import { loggedOut } from "./said.js";
import { arrived } from "./told.js";

const body = document.body, taken = new Set();
let polling = 0, source = null, again = 0;

function look() {
  everything();
  change("desk-look");
}
function poll(on) {
  document.getElementById("stream").hidden = !on;
  if (on && !polling) {
    polling = setInterval(look, 5000);
    look();
  }
  if (!on) polling = clearInterval(polling) || 0;
}
function address() {
  const filters = document.getElementById("filters"), there = board();
  if (!filters || !there) return body.dataset.live;
  const asked = new URLSearchParams(new FormData(filters));
  asked.set("mark", there.dataset.mark);
  asked.set("language", document.documentElement.lang);
  return `${body.dataset.live}?queue=1&${asked}`;
}
function listen() {
  clearTimeout(again);
  if (source) source.close();
  const mine = source = new EventSource(address());
  const on = (kind, then) => mine.addEventListener(kind, (event) => then(event.data ? JSON.parse(event.data) : null));
  on("hello", () => { poll(false); everything(); });
  on("waiting", (told) => waiting(told));
  on("board", (told) => { if (!show(told)) listen(); });
  on("change", (told) => {
    change("desk-changed");
    if (told.case !== null) change(`desk-case-${told.case}`);
    if (told.kind === "claimed") taken.add(told.handoff);
    // Who puts a case into the queue and takes it in one, tells nobody of it.
    if (told.kind === "entered") setTimeout(() => { if (!taken.has(told.handoff)) arrived(told.handoff); }, 100);
  });
  on("gone", () => { mine.close(); loggedOut(); });
  mine.addEventListener("error", () => {
    if (mine !== source) return;
    poll(true);
    if (mine.readyState === EventSource.CLOSED) again = setTimeout(listen, 15000);
  });
}

// An open page says that its operator is there, for as long as anybody touches it.
let touched = Date.now();
for (const kind of ["keydown", "pointerdown", "wheel"]) addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
function alive() {
  if (Date.now() - touched < 3600000) body.dispatchEvent(new CustomEvent("desk-alive"));
}

if (body.dataset.live) {
  listen();
  setInterval(alive, 30000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) everything(); });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) listen(); });
  body.addEventListener("change", (event) => {
    if (!event.target.closest("#filters")) return;
    listen();
    if (polling) look();
  });
}
