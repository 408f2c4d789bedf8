// Keep to light or dark as the operator chose, before anything is drawn.
"use strict";
const chosen = localStorage.getItem("desk-theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
