// Times on the page: waits go on by themselves, and moments stand in the operator's own time zone.
// Rule: a wait is counted by the desk's clock, never by that of the operator's machine.
import { _, locale } from "./words.js";

const now = document.body.dataset.now;
const ahead = now ? Date.now() - Date.parse(now) : 0;

function length(seconds) {
  const hours = Math.floor(seconds / 3600), minutes = Math.floor((seconds % 3600) / 60), rest = seconds % 60;
  if (hours) return _("%(hours)s h %(minutes)s min", { hours, minutes });
  if (!minutes) return _("%(seconds)s s", { seconds: rest });
  return rest ? _("%(minutes)s min %(seconds)s s", { minutes, seconds: rest }) : _("%(minutes)s min", { minutes });
}

export function tick() {
  for (const wait of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - ahead - Date.parse(wait.dataset.since)) / 1000));
    const words = wait.querySelector(".length");
    if (words.textContent !== length(seconds)) words.textContent = length(seconds);
    if (!wait.dataset.target) continue;
    const late = seconds > Number(wait.dataset.target);
    wait.classList.toggle("late", late);
    wait.querySelector(".over").hidden = !late;
  }
}

export function moments() {
  for (const moment of document.querySelectorAll("time[data-moment]")) {
    const when = new Date(moment.dateTime);
    moment.title = moment.textContent;
    moment.textContent = when.toLocaleString(locale, { dateStyle: "medium", timeStyle: "short" });
    delete moment.dataset.moment;
  }
}

setInterval(tick, 1000);
