// The console: which view is shown, and how the link to the controller fares.

import { byId, el, say } from "./dom.js";
import { ago, left, now, span } from "./format.js";
import { GlanceView } from "./glance.js";
import { PlatformView } from "./platform.js";

const main = byId("main");
let view = null;

/** The name in an address; none where it is not written as addresses are. */
function named(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

function route() {
  view?.close();
  const name = named(location.hash.replace(/^#\/?/, ""));
  view = name ? new PlatformView(main, name, linked) : new GlanceView(main, linked);
  scrollTo(0, 0);
}

/** Says honestly whether what is shown is live. */
function linked(state, since, why) {
  const cut = byId("cut");
  document.body.dataset.link = state;
  say(byId("link"), state === "live" ? "live" : "not live");
  cut.hidden = state === "live";
  if (state === "live") {
    cut.replaceChildren();
    return;
  }
  const when = since ? `since ${new Date(since).toLocaleTimeString("en-GB")}` : "yet";
  const told = `Not live ${when}: ${why ?? "the controller does not answer"}.`;
  if (cut.firstChild?.textContent === told) return;
  cut.replaceChildren(el("strong", {}, told), ` ${since ? "What is shown is as it was then. " : ""}Trying again by itself.`);
}

/** Times that pass: `<time data-ago>`, and countdowns. */
function tick() {
  for (const it of main.querySelectorAll("[data-ago]")) say(it, ago(it.dataset.ago));
  for (const it of main.querySelectorAll("[data-left]")) say(it, left(Date.parse(it.dataset.left) - now()));
  for (const it of main.querySelectorAll("[data-passed]")) say(it, span(now() - Date.parse(it.dataset.passed)));
  for (const it of main.querySelectorAll("progress[data-from]")) {
    it.value = Math.min(it.max, now() - Date.parse(it.dataset.from));
  }
}

byId("skip").addEventListener("click", () => main.focus());
addEventListener("hashchange", () => {
  route();
  main.focus({ preventScroll: true });
});
addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, select, textarea, dialog");
  if (isTyping || event.metaKey || event.ctrlKey || event.altKey) return;
  if (event.key === "/") view.find?.(event);
  if (event.key === "Escape" && location.hash.length > 2) location.hash = "#/";
});
setInterval(tick, 1000);
route();
