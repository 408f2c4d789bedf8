// The texts of the telephone: what is sent from this page and what comes to its number, as a conversation.
// One rule: what came stands as it came; only how far a text has come is learned later and written under it.

import { callerNumber, post } from "./calling.js";
import * as machine from "./machine.js";
import { _, locale } from "./words.js";

const LOOK_EVERY = 1000;
const LOOK_SOON = 150;
const KEPT_AS = "touchtone-texts";
const MOST_KEPT = 100;
const MOST_ASKED = 20;
const BLOCK = /^([A-H]) (\d{6})$/gm;
const STATES = {
  on_its_way: _("on its way"),
  taken: _("delivered"),
  lost: _("not delivered: the line did not answer"),
  accepted: _("sent"),
  sent: _("sent"),
  delivered: _("delivered"),
  undelivered: _("not delivered"),
  failed: _("not delivered"),
};
const SETTLED = new Set(["taken", "lost", "delivered", "undelivered", "failed"]);
const REASONS = {
  NO_SENDER: _("the line sends no texts"),
  OPTED_OUT: _("this number has opted out; START lifts that"),
  COUNTRY_NOT_ALLOWED: _("it sends none to that country"),
  NOT_TEXTABLE: _("that number is no mobile"),
};
const NONE_HERE = _("This line sends its texts by Twilio: they go to real telephones, and none comes here.");
const at = (id) => document.getElementById(id);

let lines = [];
let open = false;
let kept = { start: 0, talks: {} };
let shown = null;
let looking = false;
let queue = Promise.resolve();

// One request at a time, so that an answer never stands above what it answers.
function inTurn(work) {
  queue = queue.then(work, work);
  return queue;
}

export async function begin(every, comeHere) {
  lines = every;
  open = comeHere;
  if (open) {
    const before = JSON.parse(sessionStorage.getItem(KEPT_AS) ?? "null");
    kept = before ?? { start: (await look("", null)).next, talks: {} };
  }
  at("write").addEventListener("submit", send);
  at("body").addEventListener("keydown", byEnter);
  at("write-id").addEventListener("click", writeInstallationId);
  turn();
  if (open) setInterval(() => { if (!document.hidden) news(); }, LOOK_EVERY);
}

// The conversation of the number that is chosen now, if it can have one.
export function turn() {
  const number = callerNumber();
  const line = lines.find(({ number: its }) => its === at("line").value);
  const known = /^\+\d{7,15}$/.test(number);
  let hindrance = "";
  if (!open) hindrance = NONE_HERE;
  else if (!line?.texts) hindrance = _("This line takes no texts: its file of lines names no text sender for it.");
  else if (number === "anonymous") hindrance = _("A withheld number sends no texts. Choose another caller.");
  else if (!known) hindrance = _("Write the caller's number first.");
  at("hindrance").textContent = hindrance;
  at("hindrance").hidden = !hindrance;
  for (const id of ["compose", "write-id", "text-code-button"]) at(id).disabled = Boolean(hindrance);
  at("texts-of").textContent = known ? number : "";
  if (number === shown) return;
  shown = number;
  at("texts").replaceChildren(...talk().texts.map(bubble));
  tidy();
  news();
}

function talk(number = shown) {
  kept.talks[number] ??= { place: kept.start, texts: [] };
  return kept.talks[number];
}

function keep() {
  for (const one of Object.values(kept.talks)) one.texts = one.texts.slice(-MOST_KEPT);
  sessionStorage.setItem(KEPT_AS, JSON.stringify(kept));
}

async function look(caller, after, of = []) {
  const query = new URLSearchParams({ caller });
  if (after !== null) query.set("after", after);
  for (const id of of) query.append("of", id);
  const answer = await fetch(`phone/texts?${query}`);
  return answer.ok ? answer.json() : { texts: [], next: after ?? 0, fates: {} };
}

async function news() {
  if (looking || !shown?.startsWith("+") || !open) return;
  looking = true;
  await inTurn(() => ask(shown));
  looking = false;
}

async function ask(number) {
  const now = talk(number);
  try {
    const unsure = now.texts.filter(({ state }) => !SETTLED.has(state)).slice(-MOST_ASKED).map(({ id }) => id);
    const { texts, next, fates } = await look(number, now.place, unsure);
    now.place = next;
    for (const one of now.texts) if (fates[one.id]) settle(one, fates[one.id]);
    for (const one of texts) add({ ...one, who: "line", state: "" }, number);
    keep();
  } catch {
    // The line may be restarting; look again.
  }
}

function settle(one, { state, reason }) {
  Object.assign(one, { state, reason });
  const under = at(`text-${one.id}`)?.querySelector(".under");
  if (under) under.textContent = underneath(one);
}

function add(one, number = shown) {
  talk(number).texts.push(one);
  if (number !== shown) return;
  at("texts").append(bubble(one));
  tidy();
}

function tidy() {
  at("no-texts").hidden = talk().texts.length > 0;
  at("texts").scrollTop = at("texts").scrollHeight;
}

function bubble(one) {
  const row = made("div", "", { class: `bubble ${one.who}`, id: `text-${one.id}` });
  row.append(made("span", one.who === "you" ? `${_("You")}: ` : `${_("Line")}: `, { class: "unseen" }), made("p", one.body, { dir: "auto" }));
  const blocks = [...one.body.matchAll(BLOCK)].map(([, , digits]) => digits);
  if (one.who === "line" && blocks.length >= 5) {
    const button = made("button", _("Type these blocks into the machine"), { type: "button" });
    button.addEventListener("click", () => machine.typeBlocks(blocks.join("")));
    row.append(button);
  }
  row.append(made("span", underneath(one), { class: "under" }));
  return row;
}

function underneath({ at: when, size, state, reason }) {
  const clock = new Date(when).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
  const parts = [clock, size];
  if (STATES[state]) parts.push(STATES[state]);
  if (reason) parts.push(_("no answer: %(why)s", { why: REASONS[reason] ?? _("as many texts as may be went out today") }));
  return parts.join(" \u00b7 ");
}

function made(kind, words, attributes = {}) {
  const one = document.createElement(kind);
  one.textContent = words;
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  return one;
}

async function send(event) {
  event?.preventDefault();
  const body = at("body").value.trim();
  if (!body || at("compose").disabled) return;
  const wish = { line: at("line").value, caller: shown, body, twice: at("twice").checked };
  at("body").value = "";
  await inTurn(() => bring(wish));
  setTimeout(news, LOOK_SOON);
}

async function bring(wish) {
  const { ok, told } = await post("phone/texts", wish).catch(() => ({ ok: false, told: {} }));
  at("unsent").textContent = ok ? "" : told.reason ?? _("This text cannot be sent.");
  if (ok) {
    add({ ...told, who: "you", state: "on_its_way" }, wish.caller);
    keep();
  } else if (!at("body").value) {
    at("body").value = wish.body;
  }
}

function byEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send();
}

// As a telephone does that scans the code on the screen: the text stands there, and waits to be sent.
export function writeInstallationId() {
  const digits = machine.installationId();
  if (!digits || at("compose").disabled) return;
  at("body").value = digits;
  at("body").focus();
}
