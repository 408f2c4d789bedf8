// What is heard: the line's words by the browser's own voice, and a key's two tones.
// One rule: sound is never needed; everything heard stands in the transcript as well.

const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477];
const KEYS = "123456789*0#";
const FASTER_WHEN_BEHIND = 1.35;

let muted = false;
let waiting = 0;
let tones = null;

export const canSpeak = "speechSynthesis" in window;

export function mute(on) {
  muted = on;
  if (on) hush();
}

export function say(words, locale) {
  if (!canSpeak || muted) return;
  const utterance = new SpeechSynthesisUtterance(words);
  utterance.lang = locale;
  utterance.rate = waiting ? FASTER_WHEN_BEHIND : 1;
  waiting += 1;
  const done = () => { waiting = Math.max(waiting - 1, 0); };
  utterance.addEventListener("end", done);
  utterance.addEventListener("error", done);
  window.speechSynthesis.speak(utterance);
}

export function hush() {
  waiting = 0;
  if (canSpeak) window.speechSynthesis.cancel();
}

export function tone(key) {
  if (muted || !("AudioContext" in window)) return;
  tones ??= new AudioContext();
  const place = KEYS.indexOf(key);
  const volume = tones.createGain();
  volume.gain.value = 0.06;
  volume.connect(tones.destination);
  for (const pitch of [ROWS[Math.floor(place / 3)], COLUMNS[place % 3]]) {
    const voice = tones.createOscillator();
    voice.frequency.value = pitch;
    voice.connect(volume);
    voice.start();
    voice.stop(tones.currentTime + 0.12);
  }
}
