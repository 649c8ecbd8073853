// One platform in full.

import { AlarmsPart } from "./alarms.js";
import { byId, el, Part, say } from "./dom.js";
import { ago, clock, plural } from "./format.js";
import { history } from "./history.js";
import { Live, ask } from "./live.js";
import { RevisionsPart } from "./revisions.js";
import { rollout } from "./rollout.js";
import { services } from "./services.js";
import { signals } from "./signals.js";
import { phaseWord, standing } from "./standing.js";
import { yaml } from "./yaml.js";

const SERIES_EVERY_MS = 10_000;

export class PlatformView {
  #name;
  #path;
  #live;
  #asking = new AbortController();
  #timer;
  #known = { history: [], spec: null };
  #said = "";
  #body = el("div", { class: "platform" });
  #head;
  #parts;
  #alarms;
  #revisions;
  #signals;

  constructor(main, name, linked) {
    this.#name = name;
    this.#path = `/console/platforms/${encodeURIComponent(name)}`;
    document.title = `${name} – Loan platforms`;
    const head = el("div", { class: "head" }, el("h1", {}, name), el("p", { class: "empty" }, "Asking the controller …"));
    this.#head = new Part(head, (model) => heading(model));
    main.replaceChildren(el("nav", { class: "crumbs", "aria-label": "Breadcrumb" }, el("a", { href: "#/" }, "All platforms")), head, this.#body);
    this.#live = new Live(`/console/stream?platform=${encodeURIComponent(name)}`, (kind, data) => this.#hear(kind, data), linked);
  }

  close() {
    this.#live.stop();
    this.#asking.abort();
    clearTimeout(this.#timer);
  }

  #hear(kind, data) {
    if (kind === "beat") return;
    if (kind === "absent") {
      this.#head.show({ absent: this.#name });
      this.#body.replaceChildren();
      this.#parts = undefined;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      return;
    }
    Object.assign(this.#known, data);
    if (!this.#parts) this.#furnish();
    this.#show();
    if (!this.#timer) this.#measure();
  }

  #furnish() {
    const section = (id, title, draw, extra) => {
      const content = el("div", {});
      const node = el("section", { "aria-labelledby": `${id}-title`, class: `part ${id}` }, el("h2", { id: `${id}-title` }, title), extra, content);
      return { node, part: draw && new Part(content, draw), content };
    };
    const parts = {
      rollout: section("rollout", "Scoring rollout", rollout),
      remedies: section("remedies", "Remedies in force", remedies),
      services: section("services", "Services", services),
      alarms: section("alarms", "Alarms"),
      signals: section("signals", "Golden signals"),
      history: section("history", "History", history),
      revisions: section("revisions", "Revisions compared"),
      spec: section("spec", "Spec in force", spec),
    };
    this.#parts = parts;
    this.#alarms = new AlarmsPart(parts.alarms.content);
    this.#signals = signals(parts.signals.content);
    this.#revisions = new RevisionsPart(parts.revisions.content, this.#path);
    const sections = Object.values(parts).map((it) => it.node);
    this.#body.replaceChildren(jumps(sections), ...sections);
  }

  #show() {
    const { metadata, status, ready, history, spec } = this.#known;
    const glance = asGlance(this.#known);
    this.#head.show({ metadata, ready, standing: standing(glance), conditions: status.conditions, endpoint: status.endpoint, good: status.lastGoodGeneration, mode: spec?.mode });
    // What the conditions say already need not be said twice.
    const isSaid = status.conditions.some((it) => it.message === status.scoring.waitingOn);
    this.#parts.rollout.part.show({ scoring: status.scoring, isSaid, rollout: spec?.rollout, services: status.services });
    this.#parts.remedies.part.show(status.remedies ?? []);
    this.#parts.remedies.node.hidden = !status.remedies?.length;
    this.#parts.services.part.show(status.services);
    this.#alarms.show(status.alarms, spec?.alarms ?? []);
    this.#parts.history.part.show(history);
    this.#parts.spec.part.show(spec);
    this.#revisions.show(status.scoring, glance.generation);
    const word = `${standing(glance).word}, ${phaseWord(status.scoring.phase)}`;
    if (this.#said && this.#said !== word) say(byId("said"), `${this.#name}: ${word}`);
    this.#said = word;
  }

  /** What was measured is asked for while somebody looks. */
  async #measure() {
    this.#timer = setTimeout(() => this.#measure(), SERIES_EVERY_MS);
    if (document.hidden) return;
    try {
      const { series } = await ask(`${this.#path}/series`, this.#asking.signal);
      if (!this.#parts) return;
      this.#alarms.plot(series.filter((it) => it.of.alarm));
      this.#signals.plot(series.filter((it) => it.of.golden));
    } catch (error) {
      if (error.name !== "AbortError") this.#signals?.failed(error.message);
    }
  }
}

/** Ways to the sections: the page is long, on a phone above all. */
function jumps(sections) {
  const jump = (section) => {
    const title = section.querySelector("h2");
    const go = () => {
      title.tabIndex = -1;
      section.scrollIntoView({ block: "start" });
      title.focus({ preventScroll: true });
    };
    return el("button", { type: "button", onclick: go }, title.textContent);
  };
  return el("nav", { class: "jumps", "aria-label": "Sections" }, sections.filter((it) => !it.classList.contains("remedies")).map(jump));
}

/** The platform as the list would show it. */
function asGlance({ metadata, status, ready }) {
  const firing = status.alarms.filter((it) => it.state === "ALARM").map((it) => it.name);
  const stalled = status.conditions.find((it) => it.type === "Stalled" && it.status === "True");
  const telling = stalled ?? status.conditions.find((it) => it.type === "Ready");
  const message = telling?.message ?? "";
  return { ready, firing, stalled: Boolean(stalled), reason: telling?.reason, message, phase: status.scoring.phase, generation: metadata.generation };
}

/** The annotation that names the spec file. */
const SOURCE = "lending.dev/source";

function heading(model) {
  if (model.absent) {
    return [
      el("h1", {}, model.absent),
      el("p", { class: "empty" }, "There is no platform of that name. It appears here by itself once there is a spec file for it."),
    ];
  }
  const { metadata, standing, conditions, endpoint, good, mode } = model;
  const facts = [
    ["Generation", generation(metadata.generation, good)],
    endpoint && ["Loan API", endpoint],
    ["Made", el("time", { datetime: metadata.creationTimestamp, "data-ago": metadata.creationTimestamp }, ago(metadata.creationTimestamp))],
    mode && ["Mode", mode],
    ...Object.entries(metadata.labels ?? {}),
    ...Object.entries(metadata.annotations ?? {}).map(([name, value]) => [name === SOURCE ? "Spec file" : name, value]),
  ].filter(Boolean);
  return [
    el("div", { class: "title" }, el("h1", {}, metadata.name), el("span", { class: `pill large ${standing.tone}` }, standing.word)),
    el("dl", { class: "facts" }, facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)))),
    el("ul", { class: "conditions", "aria-label": "Conditions" }, together(conditions).map(condition)),
  ];
}

function generation(newest, good) {
  if (good === newest) return String(newest);
  return good ? `${newest}, refused; ${good} is in force` : `${newest}, refused; none is in force`;
}

/** Conditions that say the same are said once. */
function together(conditions) {
  const found = [];
  for (const { type, status, reason, message, lastTransitionTime } of conditions) {
    const same = found.find((it) => it.reason === reason && it.message === message);
    if (same) same.said.push([type, status]);
    else found.push({ said: [[type, status]], reason, message, lastTransitionTime });
  }
  return found;
}

function condition({ said, reason, message, lastTransitionTime }) {
  const holds = (type, status) => said.some(([one, value]) => one === type && value === status);
  const tone = holds("Stalled", "True") ? "bad" : holds("Ready", "True") ? "ok" : "moving";
  return el(
    "li",
    { class: tone },
    el("div", {}, el("strong", {}, said.map((it) => it.join("=")).join(", ")), ` ${reason} `, el("time", { datetime: lastTransitionTime, title: clock(lastTransitionTime), "data-ago": lastTransitionTime }, ago(lastTransitionTime))),
    message && el("p", {}, message),
  );
}

function remedies(remedies) {
  const one = ({ alarm, action, since, until }) =>
    el("li", {}, el("strong", {}, action), ` because of ${alarm}, since ${clock(since)}; over in `, el("span", { class: "num", "data-left": until }, "…"));
  return el("ul", { class: "plain" }, remedies.map(one));
}

function spec(spec) {
  if (!spec) return el("p", { class: "empty" }, "No valid spec yet.");
  const text = yaml(spec).replace(/^\n/, "");
  return el(
    "details",
    { "data-key": "spec" },
    el("summary", { "data-key": "spec-summary" }, `Every field, defaults filled in: ${plural(text.split("\n").length - 1, "line")}`),
    el("pre", { tabindex: "0", role: "region", "aria-label": "Spec as text" }, text),
  );
}
