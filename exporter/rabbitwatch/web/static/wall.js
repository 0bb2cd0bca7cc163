// Keeps the wall's picture fresh, counts ages by the agent's clock, and shows when there is no fresh picture any more.
import { Feed, clock, mark } from "./age.js";

const told = document.body.dataset;
const turn = Number(told.turn) * 1000;
const began = Date.now();

const feed = new Feed({
  every: Number(told.every) * 1000,
  silent: Number(told.silent) * 1000,
  address() {
    const url = new URL(location.href);
    url.searchParams.set("fragment", "1");
    if (turn > 0) url.searchParams.set("show", String(Math.floor((Date.now() - began) / turn)));
    return url;
  },
  take(text) {
    const picture = new DOMParser().parseFromString(text, "text/html").getElementById("picture");
    if (!picture) throw new Error("no picture");
    document.getElementById("picture").replaceWith(picture);
  },
});

function tick() {
  const why = feed.tick();
  const shown = document.querySelector(".clock");
  if (shown) shown.textContent = clock(feed.now());
  mark(why);
}

async function ask() {
  await feed.ask();
  tick();
}

tick();
ask();
setInterval(ask, feed.every);
setInterval(tick, 1000);
