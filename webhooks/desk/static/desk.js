// What every page of the desk does by itself; each matter has a script of its own, and this one begins them.
// Rule: nothing is sent but by htmx or a form, and without these scripts every page still works.
import { entitle } from "./board.js";
import { moments, tick } from "./clock.js";
import "./keys.js";
import "./kept.js";
import { tell } from "./said.js";
import "./stream.js";
import { _ } from "./words.js";

const body = document.body;
document.documentElement.classList.add("scripted");

// Digits that were typed and not kept would not go along with the call: that is said, and the call stays.
body.addEventListener("submit", (event) => {
  if (!event.target.matches("#form-back, #form-issue")) return;
  const typed = [...document.querySelectorAll("#form-groups input.digits")];
  if (typed.every((field) => field.value.trim() === field.defaultValue)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  tell(_("The digits you typed are not kept yet. Keep them first, or take them out."), true);
}, true);

body.addEventListener("htmx:afterSettle", () => { moments(); entitle(); tick(); });

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
moments();
tick();
