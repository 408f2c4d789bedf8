// The queue as the stream brings it: rows that are new or different, their order, and the parts around them.
// Rule: what did not change is not touched, so that a focus, a press or a selection stays where it is.
import { tick, moments } from "./clock.js";
import { give, hold, isPressed } from "./kept.js";
import { _ } from "./words.js";

const title = document.title;
const late = [];  // what came while a button of the queue was held down

export function board() { return document.getElementById("board"); }

function made(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.firstElementChild;
}
function rowsOf(tbody) { return new Map([...tbody.children].map((row) => [row.dataset.row, row])); }

// Put in place what the stream told; false where the page does not hold what that begins with.
export function show(told) {
  const there = board();
  if (!there || there.dataset.mark === told.is) return true;
  if (late.length || isPressed(there)) return Boolean(late.push(told));
  if (told.was !== null && there.dataset.mark !== told.was) return false;
  const was = hold(), tbody = document.getElementById("board-rows"), rows = rowsOf(tbody);
  for (const [id, html] of Object.entries(told.rows)) rows.set(id, replaced(rows.get(id), made(html)));
  const order = told.order.map(String);
  for (const [id, row] of rowsOf(tbody)) if (!order.includes(id)) row.remove();
  order.forEach((id, at) => {
    if (tbody.children[at] !== rows.get(id)) tbody.insertBefore(rows.get(id), tbody.children[at] || null);
  });
  for (const [id, html] of Object.entries(told.parts)) document.getElementById(id).innerHTML = html;
  document.getElementById("board-empty").hidden = order.length > 0;
  tbody.closest("table").hidden = order.length === 0;
  there.dataset.mark = told.is;
  tick();
  moments();
  give(was);
  return true;
}
function replaced(row, fresh) {
  if (row) row.replaceWith(fresh);
  return fresh;
}
for (const kind of ["pointerup", "pointercancel", "keyup", "blur"]) {
  addEventListener(kind, () => setTimeout(() => late.splice(0).every(show) || document.body.dispatchEvent(new CustomEvent("desk-look"))), true);
}

// How many wait stands in the header and in the title of the page.
export function waiting(count) {
  const shown = document.getElementById("queue-count");
  if (!shown) return;
  const unseen = document.createElement("span");
  unseen.className = "unseen";
  unseen.textContent = ` ${_("waiting")}`;
  shown.dataset.waiting = count;
  shown.replaceChildren(String(count), unseen);
  entitle();
}
export function entitle() {
  const count = document.getElementById("queue-count");
  const many = count && Number(count.dataset.waiting);
  document.title = many ? `(${many}) ${title}` : title;
}
