// What every page of the desk does by itself: the live stream, the keys, drafts, and being told of a new case.
// Rule: nothing is sent but by htmx or a form, and without this script every page still works.
"use strict";

const body = document.body;
const toasts = document.getElementById("toasts");
document.documentElement.classList.add("scripted");

function tell(words, problem) {
  const toast = document.createElement("p");
  toast.className = problem ? "toast problem" : "toast done";
  if (problem) {
    const strong = document.createElement("strong");
    strong.textContent = "Not done. ";
    toast.append(strong);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "quiet close";
  close.textContent = "Dismiss";
  toast.append(words + " ", close);
  toasts.append(toast);
  if (!problem) setTimeout(() => toast.remove(), 8000);
}

toasts.addEventListener("click", (event) => {
  if (event.target.closest(".close")) event.target.closest(".toast").remove();
});
body.addEventListener("desk-said", (event) => {
  for (const said of event.detail.value || []) tell(said.words, said.problem);
});
body.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) return loggedOut();
  const words = { 403: "You may not do this, or the page is out of date. Load it again.", 404: "There is no such case any more.", 503: "The database does not answer. Try again in a moment." };
  tell(words[status] || "Something went wrong. What you typed is still here.", true);
});
body.addEventListener("htmx:sendError", (event) => {
  if (event.detail.requestConfig.verb === "post" && !event.detail.elt.hidden) tell("The desk cannot be reached. What you typed is still here.", true);
});

function loggedOut() {
  const gone = document.getElementById("gone");
  if (gone && !gone.open) gone.showModal();
}

// The waiting times go on by themselves, by the desk's clock.
const ahead = body.dataset.now ? Date.now() - Date.parse(body.dataset.now) : 0;
function length(seconds) {
  const hours = Math.floor(seconds / 3600), rest = seconds % 3600;
  if (hours) return `${hours} h ${Math.floor(rest / 60)} min`;
  if (rest < 60) return `${rest} s`;
  return rest % 60 ? `${Math.floor(rest / 60)} min ${rest % 60} s` : `${rest / 60} min`;
}
function tick() {
  for (const wait of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - ahead - Date.parse(wait.dataset.since)) / 1000));
    wait.querySelector(".length").textContent = length(seconds);
    if (!wait.dataset.target) continue;
    const late = seconds > Number(wait.dataset.target);
    wait.classList.toggle("late", late);
    wait.querySelector(".over").hidden = !late;
  }
}
function moments(root) {
  for (const moment of root.querySelectorAll("time[data-moment]")) {
    const when = new Date(moment.dateTime);
    moment.title = moment.textContent;
    moment.textContent = when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    delete moment.dataset.moment;
  }
}
setInterval(tick, 1000);

// The live stream tells what changed; htmx then fetches what is shown of it. Many changes at once are one.
const changed = new Set();
let timer = 0;
function change(name) {
  changed.add(name);
  timer = timer || setTimeout(() => {
    timer = 0;
    const names = [...changed];
    changed.clear();
    for (const each of names) body.dispatchEvent(new CustomEvent(each));
  }, 120);
}
function everything() {
  change("desk-changed");
  for (const part of document.querySelectorAll("[hx-trigger*='desk-case-']")) {
    for (const name of part.getAttribute("hx-trigger").match(/desk-case-\d+/g) || []) change(name);
  }
}
let polling = 0;
function poll(on) {
  const stream = document.getElementById("stream");
  if (stream) stream.hidden = !on;
  if (on && !polling) polling = setInterval(everything, 5000);
  if (!on) polling = clearInterval(polling) || 0;
}
function listen() {
  const source = new EventSource(body.dataset.live);
  source.addEventListener("hello", () => { poll(false); everything(); });
  source.addEventListener("change", (event) => {
    const told = JSON.parse(event.data);
    change("desk-changed");
    if (told.case !== null) change(`desk-case-${told.case}`);
    if (told.kind === "entered") arrived(told.handoff);
  });
  source.addEventListener("gone", () => { source.close(); loggedOut(); });
  source.addEventListener("error", () => {
    poll(true);
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 15000);
  });
  addEventListener("pagehide", () => source.close(), { once: true });
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
}

// A new case is told by sound and by a notice of the desktop, where the operator wants that.
let audio = null;
let known = new Set();
function wanted(name) { return localStorage.getItem(`desk-${name}`) === "on"; }
function arrived(handoff) {
  if (known.has(handoff)) return;
  known.add(handoff);
  if (wanted("sound")) chime();
  if (wanted("notices") && "Notification" in window && Notification.permission === "granted" && document.hidden) {
    const notice = new Notification("A case waits", { body: "Somebody waits for a person.", tag: `desk-${handoff}` });
    notice.onclick = () => { window.focus(); notice.close(); };
  }
}
function chime() {
  if (!audio || audio.state !== "running") return;
  [660, 880].forEach((pitch, place) => {
    const tone = audio.createOscillator(), loudness = audio.createGain();
    const at = audio.currentTime + place * 0.18;
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(0.2, at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
    tone.connect(loudness).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.4);
  });
}
function wake() {
  // A browser lets nothing sound before the first touch.
  if (wanted("sound") && "AudioContext" in window) {
    audio = audio || new AudioContext();
    audio.resume();
  }
}
addEventListener("pointerdown", wake);
addEventListener("keydown", wake);
function toggle(name, switched) {
  const button = document.getElementById(name);
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", String(wanted(name)));
  button.addEventListener("click", async () => {
    const on = !wanted(name) && (await switched()) !== false;
    localStorage.setItem(`desk-${name}`, on ? "on" : "off");
    button.setAttribute("aria-pressed", String(on));
    wake();
    if (on && name === "sound") setTimeout(chime, 100);
  });
}
toggle("sound", async () => true);
if ("Notification" in window) {
  toggle("notices", async () => {
    const given = await Notification.requestPermission();
    if (given !== "granted") tell("The browser does not allow notices of this page.", true);
    return given === "granted";
  });
}

// The title says how many wait.
const title = document.title;
function entitle() {
  const count = document.getElementById("queue-count");
  const waiting = count && Number(count.dataset.waiting);
  document.title = waiting ? `(${waiting}) ${title}` : title;
}

// Drafts: what is typed is kept until it was sent, also over a reload or a logout.
function drafts(root) {
  for (const field of root.querySelectorAll("[data-draft]")) {
    const name = `desk-draft-${body.dataset.me}-${field.dataset.draft}`;
    const kept = sessionStorage.getItem(name);
    if (kept !== null && !field.value) field.value = kept;
  }
}
body.addEventListener("input", (event) => {
  const field = event.target.closest("[data-draft]");
  if (field) sessionStorage.setItem(`desk-draft-${body.dataset.me}-${field.dataset.draft}`, field.value);
});
function sent(form) {
  for (const field of form.querySelectorAll("[data-draft]")) sessionStorage.removeItem(`desk-draft-${body.dataset.me}-${field.dataset.draft}`);
}
body.addEventListener("submit", (event) => {
  if (!event.target.closest("[hx-post]")) sent(event.target);
});
body.addEventListener("htmx:afterRequest", (event) => {
  // The form may have been swapped away by its own answer; the request still knows it.
  const form = event.detail.requestConfig.elt.closest("form");
  if (form && event.detail.successful && event.detail.requestConfig.verb === "post") sent(form);
});
// Digits that were typed and not kept would not go along with the call: that is said, and the call stays.
body.addEventListener("submit", (event) => {
  if (!event.target.matches("#form-back, #form-issue")) return;
  const typed = [...document.querySelectorAll("#form-groups input.digits")];
  if (typed.every((field) => field.value.trim() === field.defaultValue)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  tell("The digits you typed are not kept yet. Keep them first, or take them out.", true);
}, true);
// A part that holds what somebody is typing is not swapped away beneath them: it is brought up to date afterwards.
body.addEventListener("htmx:beforeSwap", (event) => {
  const target = event.detail.target, field = document.activeElement;
  const typing = field && target.contains(field) && field.matches("input:not([type=hidden]), textarea, select");
  const asked = event.detail.requestConfig.triggeringEvent;
  if (typing && asked && /^desk-(changed|case-)/.test(asked.type)) {
    event.detail.shouldSwap = false;
    field.addEventListener("blur", () => change(asked.type), { once: true });
  }
});
body.addEventListener("htmx:afterSettle", (event) => { drafts(document); moments(document); entitle(); tick(); });

// Keys. A key is bound where it is written: data-key on a link, a button or a field.
let before = "";
function rows() { return [...document.querySelectorAll("tr[data-row]")]; }
function move(by) {
  const all = rows(), at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  const link = next && next.querySelector("a");
  if (link) { link.focus(); next.scrollIntoView({ block: "nearest" }); }
}
function claim() {
  const row = rows().find((each) => each.contains(document.activeElement));
  const button = (row || document).querySelector("[data-claim]");
  if (button) button.click();
}
function press(name) {
  const bound = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === name && !each.disabled && each.offsetParent !== null);
  if (!bound) return false;
  if (bound.matches("input, select, textarea")) bound.focus();
  else bound.click();
  return true;
}
document.addEventListener("keydown", (event) => {
  const field = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");
  if (event.key === "Escape" && field) { field.blur(); return; }
  if (field || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) { before = ""; return; }
  const two = before ? `${before} ${event.key}` : "";
  before = "";
  let done = true;
  if (two && press(two)) { /* a key of two strokes */ }
  else if (event.key === "g") before = "g";
  else if (press(event.key)) { /* bound on this page */ }
  else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "c") claim();
  else if (event.key === "/") {
    const first = document.querySelector("main input:not([type=hidden]), main select, main textarea");
    if (first) first.focus();
  } else done = false;
  if (done) event.preventDefault();
});
const opener = document.getElementById("keys-open");
if (opener) opener.addEventListener("click", () => document.getElementById("keymap").showModal());
const theme = document.getElementById("theme");
if (theme) {
  theme.addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("desk-theme", root.dataset.theme);
  });
}
drafts(document);
moments(document);
tick();
