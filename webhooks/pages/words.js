// What scripts say, in the language of the page: its catalogue came along with it, and English stands where it is used.
// Rule: what is filled into a text that runs from right to left is set apart, so that a number or a name keeps its order.

const known = JSON.parse(document.body.dataset.words || "{}");
const root = document.documentElement;

// Days and times as the language writes them; digits stay those of the IDs, which are keyed on a telephone.
export const locale = `${root.lang}-u-nu-latn`;

function apart(fact) { return root.dir === "rtl" ? `\u2068${fact}\u2069` : String(fact); }

export function _(message, facts = {}) {
  return (known[message] || message).replace(/%\((\w+)\)s/g, (whole, name) => apart(facts[name]));
}
