// The services of a platform, and their tasks.

import { el } from "./dom.js";
import { ago, short } from "./format.js";

const HEALTH = {
  Healthy: "ok",
  Starting: "moving",
  Unhealthy: "bad",
  Draining: "calm",
};

export function services(services) {
  if (!services.length) return el("p", { class: "empty" }, "No services yet.");
  return el("div", { class: "cards four" }, services.map(service));
}

function service(it) {
  const wanted = it.desired ?? null;
  const isShort = wanted !== null && it.running < wanted;
  const have = it.tasks.filter((task) => task.settingsRevision && task.settingsRevision === it.settingsRevision).length;
  const count = wanted === null ? `${it.running} running` : `${it.running} of ${wanted}`;
  return el(
    "article",
    { class: "card" },
    el(
      "h3",
      {},
      it.name,
      el("span", { class: `count num ${isShort ? "warn" : ""}` }, count, el("span", { class: "unseen" }, " tasks serve")),
    ),
    el("div", { class: "dots", "aria-hidden": "true" }, it.tasks.map((task) => el("i", { class: HEALTH[task.health] ?? "calm" }))),
    el(
      "dl",
      { class: "facts rows-of" },
      fact("Image", it.image),
      it.settingsRevision && fact("Settings", el("code", { title: it.settingsRevision }, short(it.settingsRevision)), ` on ${have} of ${it.tasks.length}`),
      fact("Restarts", it.restarts > 0 ? el("b", { class: "warn" }, String(it.restarts)) : "none"),
    ),
    it.tasks.length > 0 &&
      el("details", { "data-key": it.name }, el("summary", { "data-key": `${it.name}-summary` }, "Tasks"), el("ul", { class: "plain tasks" }, it.tasks.map(task))),
  );
}

const fact = (name, ...value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));

function task(it) {
  const where = [it.address, it.pid && `pid ${it.pid}`].filter(Boolean).join(", ");
  return el(
    "li",
    {},
    el("span", { class: `mark ${HEALTH[it.health] ?? "calm"}` }),
    el("span", {}, it.health),
    el("code", {}, it.id),
    el("span", { class: "soft" }, where),
    el("span", { class: "soft" }, "started ", el("time", { datetime: it.startedAt, "data-ago": it.startedAt }, ago(it.startedAt))),
    it.settingsRevision && el("span", { class: "soft" }, "settings ", el("code", {}, short(it.settingsRevision))),
  );
}
