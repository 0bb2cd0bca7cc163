// What every page needs that shows the present: the agent's clock, ages that count up, and an end to the present.

// A length of time as people say it.
export function span(seconds) {
  const left = Math.max(0, Math.round(seconds));
  if (left < 60) return `${left} s`;
  if (left < 3600) return `${Math.floor(left / 60)} min`;
  if (left < 86400) return `${Math.floor(left / 3600)} h ${Math.floor((left % 3600) / 60)} min`;
  return `${Math.floor(left / 86400)} d ${Math.floor((left % 86400) / 3600)} h`;
}

export const clock = (at) =>
  new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

// A time of day, with the day where it is not today's.
function local(at, now) {
  const day = new Date(at).toDateString() === new Date(now).toDateString();
  return day ? clock(at) : `${new Date(at).toLocaleDateString()} ${clock(at)}`;
}

const SAID = {
  age: (age) => `seen ${span(age)} ago`,
  since: (age) => `for ${span(age)}`,
  when: (age, at, now) => `${local(at, now)}, ${span(age)} ago`,
};

// Asks for a page again and again, sends back its tag, and remembers when it was heard and how the agent's clock goes.
// address(): what to ask for. take(text): what to do with a new page; it throws where that is none. All times in ms.
export class Feed {
  constructor({ every, silent, address, take }) {
    Object.assign(this, { every, silent, address, take, ahead: 0, heard: Date.now(), tag: "", asked: "", turn: 0 });
  }

  now() {
    return Date.now() + this.ahead;
  }

  gone() {
    return Date.now() - this.heard > this.silent;
  }

  async ask() {
    const turn = ++this.turn;
    const address = String(this.address());
    try {
      const answer = await fetch(address, {
        cache: "no-store",
        headers: this.tag && address === this.asked ? { "If-None-Match": this.tag } : {},
        signal: AbortSignal.timeout(Math.max(2000, this.every - 500)),
      });
      if (answer.status !== 200 && answer.status !== 304) throw new Error(String(answer.status));
      const text = answer.status === 200 ? await answer.text() : "";
      if (turn !== this.turn) return; // a later question was asked meanwhile
      if (text) {
        this.take(text);
        this.tag = answer.headers.get("etag") || "";
        this.asked = address;
      }
      const told = Date.parse(answer.headers.get("date") || "");
      if (!Number.isNaN(told)) this.ahead = told - Date.now();
      this.heard = Date.now();
    } catch {
      // what is not heard shows by its age
    }
  }

  // Writes every age anew, and says in words why the page is a picture of the past, "" while it is not.
  tick() {
    const now = this.now();
    let seen = 0;
    let old = 0;
    let oldest = Infinity;
    for (const time of document.querySelectorAll("time[data-at]")) {
      const at = Number(time.dataset.at) * 1000;
      const age = (now - at) / 1000;
      const say = SAID[time.classList[0]];
      const text = say ? say(age, at, now) : time.textContent;
      if (time.textContent !== text) time.textContent = text;
      if (!time.dataset.old) continue;
      const past = age > Number(time.dataset.old);
      time.classList.toggle("old", past);
      seen += 1;
      old += past ? 1 : 0;
      if (past) oldest = Math.min(oldest, at);
    }
    if (this.gone()) return `No answer from rabbitwatch since ${clock(this.heard + this.ahead)}. This is the past.`;
    return seen && seen === old ? `Nothing was polled since ${clock(oldest)}. This is the past.` : "";
  }
}

// Marks the whole page as past, or takes the mark away.
export function mark(why) {
  const past = document.getElementById("past");
  document.body.classList.toggle("past", Boolean(why));
  past.hidden = !why;
  if (past.textContent !== why) past.textContent = why;
}
