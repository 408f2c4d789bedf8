// The pretend offline machine: its screen, its two codes, and the fields that take the confirmation ID.
// One rule: each block is judged by itself as soon as it is whole, and what is wrong is said beside it.

import { post } from "./calling.js";
import { _ } from "./words.js";

const KEPT_AS = "touchtone-machine";
const STATES = {
  awaiting_confirmation: _("Not activated yet"),
  activated: _("Activated"),
  expired: _("The activation has expired"),
  hardware_changed: _("Too much of the hardware has changed"),
  not_installed: _("No product key is installed"),
};
const WORDS = {
  A: _("Alpha"), B: _("Bravo"), C: _("Charlie"), D: _("Delta"), E: _("Echo"), F: _("Foxtrot"), G: _("Golf"), H: _("Hotel"),
};
const at = (id) => document.getElementById(id);

let shown = null;

export const callLink = () => shown?.call_link ?? null;
export const installationId = () => shown?.installation_id.join(" ") ?? "";

export async function install({ fresh = false } = {}) {
  const kept = fresh ? null : sessionStorage.getItem(KEPT_AS);
  const known = kept ? await fetch(`phone/machines/${kept}`) : null;
  if (known?.ok) return show(await known.json());
  const made = await post("phone/machines");
  if (!made.ok) {
    at("no-machine").hidden = false;
    return null;
  }
  sessionStorage.setItem(KEPT_AS, made.told.id);
  return show(made.told);
}

function show(facts) {
  shown = facts;
  at("product").textContent = facts.product;
  at("host").textContent = facts.name;
  at("last-five").textContent = _("ends in %(key)s", { key: facts.last_five });
  at("iid").replaceChildren(...facts.installation_id.map((group) => element("li", group)));
  at("codes").hidden = !facts.call_link;
  if (facts.call_link) {
    at("call-code").src = `phone/machines/${facts.id}/call.svg`;
    at("text-code").src = `phone/machines/${facts.id}/text.svg`;
  }
  at("blocks").replaceChildren(...facts.blocks.map((letter, place) => field(letter, place, facts.confirmation_id)));
  at("wrong").textContent = "";
  showState(facts.state);
  at("machine").hidden = false;
  return facts;
}

function showState(state) {
  const activated = state === "activated";
  at("status").textContent = STATES[state] ?? state;
  at("status").className = `status ${activated ? "good" : "waiting"}`;
  at("confirm").disabled = activated;
  for (const input of inputs()) input.readOnly = activated;
}

function element(kind, words, attributes = {}) {
  const made = document.createElement(kind);
  made.textContent = words;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const inputs = () => [...at("blocks").querySelectorAll("input")];

function field(letter, place, filled) {
  const row = element("div", "", { class: "block" });
  const label = element("label", letter, { for: `block-${letter}` });
  label.append(element("span", ` ${WORDS[letter]}`, { class: "quiet" }));
  const input = element("input", "", {
    id: `block-${letter}`, inputmode: "numeric", maxlength: "6", autocomplete: "off", "aria-describedby": `why-${letter}`,
  });
  input.value = filled?.[place] ?? "";
  const why = element("p", "", { id: `why-${letter}`, class: "why" });
  input.addEventListener("input", () => typed(letter, place));
  input.addEventListener("paste", pasted);
  row.append(label, input, why);
  return row;
}

async function typed(letter, place) {
  const input = at(`block-${letter}`);
  input.value = input.value.replace(/\D/g, "");
  const digits = input.value;
  mark(letter, "");
  if (digits.length < 6) return;
  if (document.activeElement === input) inputs()[place + 1]?.focus();
  const { told } = await post(`phone/machines/${shown.id}/block`, { number: place + 1, digits });
  if (input.value === digits) mark(letter, told.faults?.[0]?.why ?? "", true);
}

function pasted(event) {
  const digits = event.clipboardData.getData("text").replace(/\D/g, "");
  if (digits.length <= 6) return;
  event.preventDefault();
  typeBlocks(digits);
}

export function typeBlocks(digits) {
  if (!shown || shown.state === "activated") return;
  shown.blocks.forEach((letter, place) => {
    at(`block-${letter}`).value = digits.slice(6 * place, 6 * place + 6);
    typed(letter, place);
  });
  at("confirm").focus();
}

function mark(letter, why, judged = false) {
  const input = at(`block-${letter}`);
  input.setAttribute("aria-invalid", String(Boolean(why)));
  input.parentElement.className = `block ${why ? "bad" : judged ? "sound" : ""}`;
  at(`why-${letter}`).textContent = why;
}

async function confirm(event) {
  event.preventDefault();
  const blocks = inputs().map((input) => input.value);
  const answer = await post(`phone/machines/${shown.id}/confirm`, { blocks });
  shown.blocks.forEach((letter) => mark(letter, "", true));
  if (answer.ok) {
    show(answer.told);
    at("status").focus?.();
    return;
  }
  const faults = answer.told.faults ?? [{ block: null, why: _("The machine does not answer; load this page again.") }];
  for (const { block, why } of faults) if (block) mark(block, why);
  const letters = faults.filter(({ block }) => block).map(({ block }) => block);
  const rest = faults.filter(({ block }) => !block).map(({ why }) => why);
  if (letters.length) rest.unshift(_("Look again at block %(letters)s.", { letters: letters.join(", ") }));
  at("wrong").textContent = rest.join(" ");
  if (letters.length) at(`block-${letters[0]}`).focus();
}

export function wire() {
  at("answer").addEventListener("submit", confirm);
  at("another").addEventListener("click", () => install({ fresh: true }));
}
