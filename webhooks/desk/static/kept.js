// What an operator has under their hands survives whatever is put in its place: focus, selection, fields, drafts, and a
// key or a button that is just being pressed.
// Rule: an answer that only follows a change elsewhere never takes away what is typed into, pressed, or on its way; it is
// asked for again when that is over. What was asked before the page moved on is not shown at all.
import { change } from "./changes.js";

const body = document.body;
const TYPED = "input:not([type=hidden], [type=checkbox], [type=radio]), textarea, select";
const owed = { typed: new Set(), pressed: new Set(), sent: new Set() };
let asked = "", asker = null, back = false, done = null, held = null, pressed = null;

function state(field) {
  if (field.matches("details")) return String(field.open);
  return field.type === "checkbox" ? String(field.checked) : field.value;
}
function served(field) {
  if (field.matches("details")) return "false";
  if (field.type === "checkbox") return String(field.defaultChecked);
  if (!field.options) return field.defaultValue;
  const option = [...field.options].find((each) => each.defaultSelected) || field.options[0];
  return option ? option.value : "";
}
function put(field, kept) {
  if (field.matches("details")) field.open = kept === "true";
  else if (field.type === "checkbox") field.checked = kept === "true";
  else if (!field.options || [...field.options].some((each) => each.value === kept)) field.value = kept;
}

// What keeps a part where it is: the name of what has to be over first, or "".
function busy(part) {
  if ([...part.querySelectorAll(":is(form, button).htmx-request")].some((each) => each !== asker)) return "sent";
  if (!asked) return "";
  if (pressed && part.contains(pressed)) return "pressed";
  const field = document.activeElement;
  return field && part.contains(field) && field.matches(TYPED) ? "typed" : "";
}
function over(what) {
  const names = [...owed[what]];
  owed[what].clear();
  for (const name of names) change(name);
}
function ofTheCase() {
  const live = document.getElementById("case-live");
  return live ? live.getAttribute("hx-trigger").split(" ")[0] : "";
}
function postponed(part) {
  const what = busy(part), name = asked || ofTheCase();
  if (what && name) owed[what].add(name);
  return Boolean(what);
}
export function isPressed(part) { return Boolean(pressed) && part.contains(pressed); }

function press(target) { pressed = target; }
function release() {
  pressed = null;
  setTimeout(over, 0, "pressed");  // after the click that this may be
}
addEventListener("pointerdown", (event) => press(event.target), true);
addEventListener("keydown", (event) => { if (/^( |Enter)$/.test(event.key) && event.target.matches("a, button, summary, [type=checkbox]")) press(event.target); }, true);
for (const kind of ["pointerup", "pointercancel", "keyup", "blur"]) addEventListener(kind, release, true);
addEventListener("focusout", () => setTimeout(over, 0, "typed"));

// What is there before a swap, to be given back after it.
export function hold() {
  const fields = new Map(), focus = document.activeElement;
  for (const field of document.querySelectorAll(`main :is(${TYPED}, [type=checkbox], details)[id]`)) {
    const gone = done && field.form === done && onTheWay.get(field) === state(field);
    if (!gone && state(field) !== served(field)) fields.set(field.id, state(field));
  }
  if (!focus || focus === body) return { fields, focus: "" };
  const row = focus.closest("tr[data-row]"), part = focus.closest("section[id]");
  const rows = [...document.querySelectorAll("tr[data-row]")];
  return {
    fields, focus: focus.id, node: focus, row: row && row.dataset.row, at: rows.indexOf(row), part: part && part.id,
    selection: focus.matches("input, textarea") && [focus.selectionStart, focus.selectionEnd, focus.selectionDirection],
  };
}
export function give(was) {
  for (const [id, kept] of was.fields) {
    const field = document.getElementById(id);
    if (field && state(field) === served(field)) put(field, kept);
  }
  drafts();
  if (!was.focus) return;
  const same = document.getElementById(was.focus);
  if (!same || same.disabled) return instead(was);
  if (same === was.node) return;
  if (same !== document.activeElement) same.focus({ preventScroll: true });
  if (was.selection && was.selection[0] !== null) same.setSelectionRange(...was.selection);
}
// What had the focus is gone: its row has it then, or the row that is now in its place, or the part it was in.
function instead(was) {
  if (document.activeElement && document.activeElement !== body) return;
  const rows = [...document.querySelectorAll("tr[data-row]")];
  const row = rows.find((each) => each.dataset.row === was.row) || (was.row && rows[Math.min(was.at, rows.length - 1)]);
  const place = row ? row.querySelector("a") : document.getElementById(was.part || "main");
  if (!place) return;
  if (!row) place.tabIndex = -1;
  place.focus({ preventScroll: !row });
}

// Drafts: what is typed is kept until it was sent, also over a reload or a logout.
function draft(field) { return `desk-draft-${body.dataset.me}-${field.dataset.draft}`; }
export function drafts() {
  for (const field of document.querySelectorAll("[data-draft]")) {
    const kept = sessionStorage.getItem(draft(field));
    if (kept !== null && !field.value) field.value = kept;
  }
}
body.addEventListener("input", (event) => {
  const field = event.target.closest("[data-draft]");
  if (field) sessionStorage.setItem(draft(field), field.value);
});
function sent(form) {
  for (const field of form.querySelectorAll("[data-draft]")) {
    const since = onTheWay.has(field) && onTheWay.get(field) !== state(field);
    if (!since) sessionStorage.removeItem(draft(field));
  }
}
body.addEventListener("submit", (event) => {
  if (!event.target.closest("[hx-post]")) sent(event.target);
});

// A form on its way: what it took along is done with once it arrived, and what was typed since is not.
const onTheWay = new WeakMap();
function formOf(detail) {
  const { elt, verb } = detail.requestConfig;
  return verb === "post" && elt.matches("form, button") ? elt.closest("form") : null;
}
body.addEventListener("htmx:beforeRequest", (event) => {
  const form = formOf(event.detail);
  if (form) for (const field of form.elements) onTheWay.set(field, state(field));
});
body.addEventListener("htmx:beforeSwap", (event) => {
  const detail = event.detail, config = detail.requestConfig, shown = document.getElementById("case-shown");
  const cause = config.triggeringEvent ? config.triggeringEvent.type : "";
  asked = /^desk-(changed|look|alive|case-\d+)$/.test(cause) ? cause : "";
  [asker, back, done] = [config.elt, false, null];
  const moved = shown && config.parameters.shown !== undefined && config.parameters.shown !== shown.value;
  if (moved && asked) detail.shouldSwap = false;
  if (moved) change(ofTheCase());
  if (!asker.matches("[hx-swap=none]") && postponed(detail.target)) detail.shouldSwap = false;
  if (!detail.shouldSwap) return;
  done = detail.xhr.status < 400 ? formOf(detail) : null;
  held = hold();
  if (done) sent(done);
});
body.addEventListener("htmx:oobBeforeSwap", (event) => {
  const part = event.detail.target;
  if (part.id === "case-shown" ? back : postponed(part)) {
    event.detail.shouldSwap = false;
    back = true;
  }
});
body.addEventListener("htmx:afterSettle", () => { if (held) give(held); });
body.addEventListener("htmx:afterRequest", (event) => {
  const form = formOf(event.detail);
  if (form && event.detail.xhr.status < 400) sent(form);
  [asker, held, done] = [null, null, null];
  setTimeout(over, 0, "sent");
});
drafts();
