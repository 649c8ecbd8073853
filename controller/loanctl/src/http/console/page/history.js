// What happened, the newest first, with the evidence of what was decided.

import { el } from "./dom.js";
import { clock, number, plural, quantity } from "./format.js";

const KINDS = {
  SpecAccepted: ["calm", "Spec accepted"],
  SpecRefused: ["bad", "Spec refused"],
  RolloutStarted: ["moving", "Rollout began"],
  Promoted: ["ok", "Proved good"],
  RollbackStarted: ["bad", "Rollback began"],
  RolledBack: ["warn", "Taken back"],
  RollbackProblem: ["bad", "Rollback problem"],
  Held: ["warn", "Held"],
  Refused: ["bad", "Refused"],
  Resumed: ["calm", "Resumed"],
  Suspected: ["warn", "Suspected"],
  RemedyStarted: ["warn", "Remedy began"],
  RemedyEnded: ["calm", "Remedy over"],
  Notified: ["warn", "Told people"],
  Applied: ["calm", "Applied"],
  Removed: ["calm", "Removed"],
};

const FIRST = 12;

export function history(entries) {
  if (!entries.length) return el("p", { class: "empty" }, "Nothing has happened yet.");
  const newest = [...entries].reverse();
  const rest = newest.slice(FIRST);
  return [
    el("ol", { class: "events" }, newest.slice(0, FIRST).map(entry)),
    rest.length > 0 &&
      el("details", { "data-key": "older" }, el("summary", { "data-key": "older-summary" }, `${rest.length} older`), el("ol", { class: "events" }, rest.map(entry))),
  ];
}

function entry({ at, kind, by, message, evidence }) {
  const [tone, word] = KINDS[kind] ?? ["calm", kind];
  return el(
    "li",
    {},
    el("time", { class: "num", datetime: at }, clock(at)),
    el("span", { class: `pill ${tone}` }, word),
    el("div", {}, el("p", { class: "message" }, message), by && by !== "Controller" && el("p", { class: "soft" }, `by ${by}`), evidence && proof(evidence, `${kind} ${at}`)),
  );
}

/** What was decided against a change stands open; that the same fields were tried, behind a click. */
function proof({ alarm, value, threshold, firedAt, samples, fields = [] }, key) {
  const facts = [
    alarm && ["Alarm", alarm],
    firedAt && ["Value", el("b", {}, quantity(value))],
    threshold != null && ["Threshold", number(threshold)],
    firedAt && ["Fired", clock(firedAt)],
    samples != null && ["Scoring calls seen", number(samples)],
  ].filter(Boolean);
  if (!facts.length && !fields.length) return null;
  return el(
    "div",
    { class: "proof" },
    facts.length > 0 && el("dl", { class: "facts tight" }, facts.map(([name, it]) => el("div", {}, el("dt", {}, name), el("dd", { class: "num" }, it)))),
    fields.length > 0 &&
      (alarm
        ? changes(fields)
        : el("details", { "data-key": key }, el("summary", { "data-key": `${key} summary` }, plural(fields.length, "field")), changes(fields))),
  );
}

/** Fields that differ, from what to what. */
export function changes(fields) {
  const value = (text) => (text == null ? el("span", { class: "soft" }, "nothing") : text);
  return el(
    "table",
    { class: "changes" },
    el("thead", {}, el("tr", {}, ["Field", "From", "To"].map((name) => el("th", { scope: "col" }, name)))),
    el(
      "tbody",
      {},
      fields.map((it) => el("tr", {}, el("th", { scope: "row" }, broken(it.path)), el("td", { class: "from" }, value(it.from)), el("td", { class: "to" }, value(it.to)))),
    ),
  );
}

/** A path that may be broken after each of its dots. */
function broken(path) {
  return path.split(/(?<=\.)/).flatMap((piece) => [piece, el("wbr")]);
}

