// The page: its keypad, its transcript and its clock around one call at a time.
// One rule: mouse, touch and keyboard press a key by the same function, and nothing on the page needs a pointer.

import { Call, callerNumber, post } from "./calling.js";
import * as machine from "./machine.js";
import * as sound from "./sound.js";
import * as texts from "./texts.js";
import { _, locale } from "./words.js";

const KEYS = "123456789*0#";
const LETTERS = { 2: "ABC", 3: "DEF", 4: "GHI", 5: "JKL", 6: "MNO", 7: "PQRS", 8: "TUV", 9: "WXYZ" };
const NAMES = { "*": _("star"), "#": _("hash") };
const OUTCOMES = {
  activated: _("The whole confirmation ID was heard."),
  refused: _("The line ended the call without a confirmation ID."),
  hung_up: _("The caller hung up."),
  case: _("The caller has a case number to come back with."),
  no_answer: _("The line did not answer properly."),
};
const at = (id) => document.getElementById(id);

let call = null;
let lines = [];
let textsComeHere = false;
let listening = false;

function showKeypad() {
  for (const key of KEYS) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.key = key;
    if (NAMES[key]) button.setAttribute("aria-label", NAMES[key]);
    button.append(key);
    const small = document.createElement("small");
    small.setAttribute("aria-hidden", "true");
    small.textContent = LETTERS[key] ?? "";
    button.append(small);
    button.addEventListener("click", () => press(key));
    at("keypad").append(button);
  }
}

function press(key) {
  if (!call || call.over) return;
  sound.tone(key);
  if (listening) sound.hush();
  at("typed").value += key;
  at("typed").scrollLeft = at("typed").scrollWidth;
  const button = at("keypad").querySelector(`[data-key="${key}"]`);
  button.classList.add("down");
  setTimeout(() => button.classList.remove("down"), 140);
  call.press(key);
}

function byKeyboard(event) {
  const elsewhere = event.target.closest("input:not(#typed):not([type=checkbox]):not([type=range]), select, textarea");
  if (elsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
  if (KEYS.includes(event.key)) {
    event.preventDefault();
    press(event.key);
  }
}

// A screen reader or an on-screen keyboard may put signs into the field without a key event.
function byInput(event) {
  event.preventDefault();
  for (const key of event.data ?? "") if (KEYS.includes(key)) press(key);
}

async function dial(link = null) {
  if (call && !call.over) return;
  const wish = {
    line: at("line").value, caller: callerNumber(), twice: at("twice").checked, turn_delay: Number(at("delay").value),
    drop_after: at("drop").value ? Number(at("drop").value) : null, link,
  };
  begin();
  const answer = await post("phone/calls", wish).catch(() => ({ ok: false, told: {} }));
  if (!answer.ok) {
    end(null, answer.told.reason ?? _("This call cannot be dialled: look at the caller's number."));
    return;
  }
  at("dialled").textContent = link ? _("dialled by the code") : at("line").value;
  call = new Call(answer.told.id, news);
  // On a touch screen, a focused field would bring up a keyboard over the keypad.
  at(matchMedia("(pointer: coarse)").matches ? "hang-up" : "typed").focus({ preventScroll: true });
}

function begin() {
  at("transcript").replaceChildren();
  at("empty").hidden = true;
  at("summary").hidden = true;
  at("typed").value = "";
  at("clock").textContent = "00:00";
  at("dial").disabled = true;
  at("dial-code").disabled = true;
  at("hang-up").disabled = false;
  at("wishes").disabled = true;
  at("language").disabled = true;
  at("state").textContent = _("Calling");
  document.body.classList.add("in-call");
}

function end(over, words) {
  sound.hush();
  lamp(false, _("Line closed"));
  for (const id of ["dial", "dial-code", "wishes", "language"]) at(id).disabled = false;
  at("hang-up").disabled = true;
  at("state").textContent = _("Call ended");
  document.body.classList.remove("in-call");
  at("summary").replaceChildren(document.createElement("strong"));
  at("summary").firstChild.textContent = words;
  if (over?.summary) at("summary").append(` ${over.summary}`);
  at("summary").hidden = false;
  at("transcript").scrollTop = at("transcript").scrollHeight;
}

function news({ entries, clock, listening: open, over }) {
  entries.forEach(show);
  at("clock").textContent = face(clock);
  if (over) {
    end(over, OUTCOMES[over.outcome] ?? over.outcome);
  } else {
    at("state").textContent = _("In a call");
    lamp(open, open ? _("Listening") : _("Not listening"));
  }
}

function lamp(open, words) {
  listening = open;
  at("lamp").classList.toggle("lit", open);
  if (at("lamp").textContent !== words) at("lamp").textContent = words;
}

function show({ at: when, who, words, note }) {
  const row = document.createElement("p");
  row.className = who;
  for (const [kind, text] of [["time", face(when)], ["who", who === "you" ? _("You") : _("Line")], ["words", words], ["note", note]]) {
    if (!text) continue;
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = text;
    if (kind === "words") part.dir = who === "line" ? "auto" : "ltr";
    row.append(part, " ");
  }
  const list = at("transcript");
  list.append(row);
  list.scrollTop = list.scrollHeight;
  if (who === "line") sound.say(words, lines.find(({ number }) => number === at("line").value)?.locale ?? "en-US");
}

function face(seconds) {
  const whole = Math.floor(seconds);
  return `${String(Math.floor(whole / 60)).padStart(2, "0")}:${String(whole % 60).padStart(2, "0")}`;
}

async function showLines() {
  ({ lines, texts: textsComeHere } = await (await fetch("phone/lines")).json());
  const names = new Intl.DisplayNames([locale], { type: "language" });
  at("line").replaceChildren(...lines.map(({ number, name, locale: of }) => named(new Option(_("%(language)s, %(number)s", { language: names.of(of), number }), number), name)));
}

function named(option, name) {
  option.title = name;
  return option;
}

function wire() {
  at("dial").addEventListener("click", () => dial());
  at("dial-code").addEventListener("click", () => dial(machine.callLink()));
  at("hang-up").addEventListener("click", () => call?.hangUp());
  at("typed").addEventListener("beforeinput", byInput);
  document.addEventListener("keydown", byKeyboard);
  window.addEventListener("pagehide", () => { if (call && !call.over) call.hangUp(); });
  at("delay").addEventListener("input", () => { at("delay-words").textContent = at("delay").value; });
  at("caller").addEventListener("change", () => {
    at("other-row").hidden = at("caller").value !== "other";
    texts.turn();
  });
  at("other").addEventListener("change", texts.turn);
  at("line").addEventListener("change", texts.turn);
  at("text-code-button").addEventListener("click", texts.writeInstallationId);
  at("language").addEventListener("change", () => location.replace(`${location.pathname}?language=${at("language").value}`));
  at("mute").addEventListener("change", () => sound.mute(at("mute").checked));
  if (!sound.canSpeak) {
    at("mute-words").textContent = _("Mute the tones (this browser has no voice; read along)");
  }
}

// The token has become a cookie; it need not stay in the address, where others may see it.
history.replaceState(null, "", location.pathname);
showKeypad();
wire();
machine.wire();
await Promise.all([showLines(), machine.install()]);
await texts.begin(lines, textsComeHere);
