// A new case is told by sound and by a notice of the desktop, where the operator wants that; and always in words.
// Rule: each case is told once, and a notice says nothing of the case: it may stand on a locked screen.
import { tell } from "./said.js";
import { _, locale } from "./words.js";

const known = new Set();
let audio = null;

function wanted(name) { return localStorage.getItem(`desk-${name}`) === "on"; }

export function arrived(handoff) {
  if (known.has(handoff)) return;
  known.add(handoff);
  document.getElementById("news").textContent = _("A new case waits, at %(time)s.", { time: new Date().toLocaleTimeString(locale) });
  if (wanted("sound")) chime();
  if (wanted("notices") && "Notification" in window && Notification.permission === "granted" && document.hidden) {
    const notice = new Notification(_("A case waits"), { body: _("Somebody waits for a person."), tag: `desk-${handoff}` });
    notice.onclick = () => { window.focus(); notice.close(); };
  }
}
async function chime() {
  if (!audio) return;
  // A browser may take a while to open its sound; one that does not open it at all leaves the promise open.
  await Promise.race([audio.resume(), new Promise((over) => setTimeout(over, 2000))]);
  if (audio.state !== "running") return;
  [660, 880].forEach((pitch, place) => {
    const tone = audio.createOscillator(), loudness = audio.createGain();
    const at = audio.currentTime + place * 0.18;
    tone.frequency.value = pitch;
    loudness.gain.setValueAtTime(0.0001, at);
    loudness.gain.exponentialRampToValueAtTime(0.2, at + 0.02);
    loudness.gain.exponentialRampToValueAtTime(0.0001, at + 0.35);
    tone.connect(loudness).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.4);
  });
}
function wake() {
  // A browser lets nothing sound before the first touch.
  if (wanted("sound") && "AudioContext" in window) {
    audio = audio || new AudioContext();
    audio.resume();
  }
}
addEventListener("pointerdown", wake);
addEventListener("keydown", wake);

function toggle(name, switched) {
  const button = document.getElementById(name);
  if (!button) return;
  button.hidden = false;
  button.setAttribute("aria-pressed", String(wanted(name)));
  button.addEventListener("click", async () => {
    const on = !wanted(name) && (await switched()) !== false;
    localStorage.setItem(`desk-${name}`, on ? "on" : "off");
    button.setAttribute("aria-pressed", String(on));
    wake();
    if (on && name === "sound") chime();
  });
}
toggle("sound", async () => true);
if ("Notification" in window) {
  toggle("notices", async () => {
    const given = await Notification.requestPermission();
    if (given !== "granted") tell(_("The browser does not allow notices of this page."), true);
    return given === "granted";
  });
}
