// What changed elsewhere, told to the parts of the page that show it: `desk-changed`, `desk-case-17`, `desk-look`.
// Rule: many changes at once are one, and a part asks for itself (its hx-trigger); nobody is told twice in an eighth of a second.

const changed = new Set();
let timer = 0;

export function change(name) {
  changed.add(name);
  timer = timer || setTimeout(() => {
    timer = 0;
    const names = [...changed];
    changed.clear();
    for (const each of names) document.body.dispatchEvent(new CustomEvent(each));
  }, 120);
}

export function everything() {
  change("desk-changed");
  for (const part of document.querySelectorAll("[hx-trigger*='desk-case-']")) {
    for (const name of part.getAttribute("hx-trigger").match(/desk-case-\d+/g) || []) change(name);
  }
}
