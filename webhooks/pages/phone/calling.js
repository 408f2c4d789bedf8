// One call, as the server carries it out: keys go there in the order pressed, words come back a few times a second.
// One rule: the page decides nothing about the call; it shows what the real telephone on the server heard.

const LOOK_EVERY = 250;
const HEADERS = { "Content-Type": "application/json", "X-Touchtone-Phone": "1" };

// The number that calls and texts: "anonymous" where it is withheld, whatever was written where it is another.
export function callerNumber() {
  const chosen = document.getElementById("caller").value;
  return chosen === "other" ? document.getElementById("other").value.replace(/[\s-]/g, "") : chosen;
}

export async function post(path, body = {}, more = {}) {
  const answer = await fetch(path, { method: "POST", headers: HEADERS, body: JSON.stringify(body), ...more });
  const told = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
  return { ok: answer.ok, status: answer.status, told };
}

export class Call {
  constructor(id, onNews) {
    this.path = `phone/calls/${id}`;
    this.onNews = onNews;
    this.seen = 0;
    this.over = false;
    this.unsent = "";
    this.sending = false;
    this.look();
  }

  async look() {
    let news = null;
    try {
      const answer = await fetch(`${this.path}?after=${this.seen}`);
      if (answer.ok) news = await answer.json();
      else news = { entries: [], clock: 0, listening: false, over: { outcome: "no_answer", ended_by: "trouble" } };
    } catch {
      // The line may be restarting; look again.
    }
    if (news) {
      this.seen += news.entries.length;
      this.over = news.over !== null;
      this.onNews(news);
    }
    if (!this.over) setTimeout(() => this.look(), LOOK_EVERY);
  }

  async press(key) {
    this.unsent += key;
    if (this.sending) return;
    this.sending = true;
    while (this.unsent && !this.over) {
      const keys = this.unsent;
      this.unsent = "";
      await post(`${this.path}/keys`, { keys }).catch(() => null);
    }
    this.sending = false;
  }

  hangUp() {
    post(`${this.path}/hang-up`, {}, { keepalive: true }).catch(() => null);
  }
}
