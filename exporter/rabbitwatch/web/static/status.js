// Keeps the status page fresh: asks for its parts at every poll and changes only what has changed, so that focus, open
// details, scrolling and selected text stay. Searches while one types. Without it the page works by its links and form.
import { Feed, mark } from "./age.js";

const told = document.body.dataset;
const field = document.getElementById("q");
const TYPING = 300;

// Makes `old` equal to `fresh` in place, children by id where they have one, else by their order.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  attributes(old, fresh);
  children(old, fresh);
}

function attributes(old, fresh) {
  const mine = old.nodeName === "DETAILS" ? "open" : ""; // whoever has opened it, or closed it, keeps it so
  for (const { name } of [...old.attributes]) if (name !== mine && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (name !== mine && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function children(old, fresh) {
  const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
  let here = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    const match = child.id ? known.get(child.id) : here && !here.id ? here : null;
    if (!match) {
      old.insertBefore(child, here);
      continue;
    }
    if (match === here) here = here.nextSibling;
    else old.insertBefore(match, here);
    morph(match, child);
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

const feed = new Feed({
  every: Number(told.every) * 1000,
  silent: Number(told.silent) * 1000,
  address() {
    const url = new URL(location.href);
    url.hash = "";
    url.searchParams.set("fragment", "1");
    return url;
  },
  take(text) {
    const parts = new DOMParser().parseFromString(text, "text/html").getElementById("parts");
    if (!parts) throw new Error("no parts");
    morph(document.getElementById("parts"), document.adoptNode(parts));
  },
});

const tick = () => mark(feed.tick());

async function ask() {
  await feed.ask();
  tick();
}

// The address always says what is shown, so that it can be shared.
let typing = 0;
function typed() {
  const url = new URL(location.href);
  if (field.value.trim()) url.searchParams.set("q", field.value.trim());
  else url.searchParams.delete("q");
  history.replaceState(null, "", url);
  ask();
}

field.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(typed, TYPING);
});
field.form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  typed();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) ask();
});

tick();
ask();
setInterval(ask, feed.every);
setInterval(tick, 1000);
