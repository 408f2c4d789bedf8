// Keys. A key is bound where it is written: data-key on a link, a button or a field; here are only those of every page.
// Rule: no key of ours is taken while somebody types, or together with Ctrl, Alt or Meta.

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
