// What the page says to its operator by itself: what came of a deed, what went wrong, and that they are logged out.
// Rule: whatever is said stands in the one status region of the page, so that it is read out as well.
import { _ } from "./words.js";

const toasts = document.getElementById("toasts");

export function tell(words, problem) {
  const toast = document.createElement("p");
  toast.className = problem ? "toast problem" : "toast done";
  if (problem) {
    const strong = document.createElement("strong");
    strong.textContent = `${_("Not done.")} `;
    toast.append(strong);
  }
  const close = document.createElement("button");
  close.type = "button";
  close.className = "quiet close";
  close.textContent = _("Dismiss");
  toast.append(words + " ", close);
  toasts.append(toast);
  if (!problem) setTimeout(() => toast.remove(), 8000);
}

export function loggedOut() {
  const gone = document.getElementById("gone");
  if (gone && !gone.open) gone.showModal();
}

toasts.addEventListener("click", (event) => {
  if (event.target.closest(".close")) event.target.closest(".toast").remove();
});
document.body.addEventListener("desk-said", (event) => {
  for (const said of event.detail.value || []) tell(said.words, said.problem);
});
document.body.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 401) return loggedOut();
  const words = {
    403: _("You may not do this, or the page is out of date. Load it again."),
    404: _("There is no such case any more."),
    503: _("The database does not answer. Try again in a moment."),
  };
  tell(words[status] || _("Something went wrong. What you typed is still here."), true);
});
document.body.addEventListener("htmx:sendError", (event) => {
  if (event.detail.requestConfig.verb === "post" && !event.detail.elt.hidden) tell(_("The desk cannot be reached. What you typed is still here."), true);
});
