// The telephone in a browser: signs in with short tokens, rings, and says every half minute that it is there.
// Rule: what is shown is what the library has told us; the desk rings this page only while it says that it is there.
import { _ } from "./words.js";

(() => {
  const root = document.getElementById("phone");
  const HERE_EVERY = 30000;
  const TRY_AGAIN = 10000;
  const at = (name) => document.getElementById(`phone-${name}`);
  const title = document.title;
  let device = null;
  let call = null;
  let beat = 0;
  let again = 0;

  const post = (path, more = {}) =>
    fetch(`${root.dataset.base}/${path}`, { method: "POST", headers: { "X-Desk-Token": root.dataset.token }, ...more });

  const SHOWN = {
    starting: [],
    ready: ["off"],
    ringing: ["accept", "reject"],
    talking: ["mute", "hang-up"],
    off: ["on"],
    trouble: ["on"],
  };

  const show = (state, words) => {
    root.dataset.state = state;
    at("state").textContent = words;
    for (const name of ["accept", "reject", "mute", "hang-up", "on", "off"]) {
      at(name).hidden = !SHOWN[state].includes(name);
    }
    document.title = state === "ringing" ? `${_("A call for you")} – ${title}` : title;
    if (state === "ringing") at("accept").focus();
  };

  const ready = () => show("ready", _("Ready. It rings here."));

  const trouble = (words) => {
    window.clearInterval(beat);
    show("trouble", words);
  };

  const fetchToken = async () => {
    const answer = await post("token");
    if (answer.status === 401) throw new Error(_("You are logged out. Log in again, then switch the telephone on."));
    if (!answer.ok) throw new Error(_("The desk gives no token just now. It is tried again in a moment."));
    return (await answer.json()).token;
  };

  const sayHere = async () => {
    const answer = await post("here").catch(() => null);
    if (answer && answer.status === 401) trouble(_("You are logged out. Log in again, then switch the telephone on."));
  };

  const ended = (which) => () => {
    if (call !== which) return;
    call = null;
    at("mute").setAttribute("aria-pressed", "false");
    if (device) ready();
  };

  const incoming = (rings) => {
    call = rings;
    rings.on("accept", () => show("talking", _("You are on the call.")));
    for (const news of ["cancel", "disconnect", "reject", "error"]) rings.on(news, ended(rings));
    show("ringing", _("A call for you."));
    if ("Notification" in window && Notification.permission === "granted") {
      new Notification(_("A call for you"), { tag: "touchtone-phone" });
    }
  };

  const renew = async () => {
    try {
      device.updateToken(await fetchToken());
    } catch (error) {
      trouble(error.message);
    }
  };

  const start = async () => {
    window.clearTimeout(again);
    show("starting", _("One moment …"));
    try {
      if (!window.Twilio || !window.Twilio.Device) throw new Error(_("The telephone's library could not be loaded."));
      const made = new window.Twilio.Device(await fetchToken(), {
        logLevel: "error",
        closeProtection: _("You are on a call. Leave, and it ends."),
      });
      device = made;
      made.on("registered", () => {
        sayHere();
        window.clearInterval(beat);
        beat = window.setInterval(sayHere, HERE_EVERY);
        if (!call) ready();
      });
      made.on("unregistered", () => {
        window.clearInterval(beat);
        post("gone").catch(() => null);
        if (device === made && !call) trouble(_("The connection is lost. It is tried again by itself."));
      });
      made.on("error", (error) => {
        if (!call) {
          const number = error && error.code ? error.code : _("no number");
          trouble(_("It does not work just now (%(number)s).", { number }));
        }
      });
      made.on("tokenWillExpire", renew);
      made.on("incoming", incoming);
      await made.register();
    } catch (error) {
      trouble(error.message);
      again = window.setTimeout(start, TRY_AGAIN);
    }
  };

  const stop = () => {
    const was = device;
    device = null;
    window.clearInterval(beat);
    window.clearTimeout(again);
    post("gone").catch(() => null);
    if (was) was.destroy();
    show("off", _("Switched off. Your own telephone rings instead."));
  };

  at("accept").addEventListener("click", () => call && call.accept());
  at("reject").addEventListener("click", () => call && call.reject());
  at("hang-up").addEventListener("click", () => call && call.disconnect());
  at("mute").addEventListener("click", () => {
    call.mute(!call.isMuted());
    at("mute").setAttribute("aria-pressed", String(call.isMuted()));
  });
  at("on").addEventListener("click", start);
  at("off").addEventListener("click", stop);
  window.addEventListener("pagehide", () => device && post("gone", { keepalive: true }).catch(() => null));
  start();
})();
