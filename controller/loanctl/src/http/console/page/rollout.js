// A scoring rollout as it moves.

import { el } from "./dom.js";
import { clock, left, now, number, quantity, short } from "./format.js";
import { phaseTone, phaseWord } from "./standing.js";

const FORWARD = ["Preflight", "Applying", "Baking", "Succeeded"];
const BACK = ["Preflight", "Applying", "Baking", "RollingBack", "Verifying", "RolledBack"];
/** Phases that end the way back otherwise than it should. */
const LAST = new Set(["RolledBack", "RollbackUnconfirmed", "RollbackFailed"]);

export function rollout({ scoring, isSaid, rollout, services }) {
  return [
    steps(scoring.phase),
    scoring.bake && bake(scoring, rollout),
    scoring.waitingOn && !isSaid && el("p", { class: "waits" }, el("strong", {}, "Waits for: "), scoring.waitingOn),
    facts(scoring, services),
    scoring.quarantined.length > 0 && quarantine(scoring.quarantined),
  ];
}

function steps(phase) {
  const isBack = phase === "RollingBack" || phase === "Verifying" || LAST.has(phase);
  const path = isBack ? [...BACK] : [...FORWARD];
  if (LAST.has(phase)) path[path.length - 1] = phase;
  const at = phase === "Inconclusive" ? path.indexOf("Baking") : path.indexOf(phase);
  const isOver = at === path.length - 1;
  const step = (name, index) => {
    const isCurrent = index === at;
    const state = isCurrent ? "current" : index < at ? "done" : "ahead";
    const tone = isCurrent ? (phase === "Succeeded" ? "ok" : phaseTone(phase)) : "";
    const word = isCurrent ? phaseWord(phase) : phaseWord(name);
    const unseen = state === "done" ? " (done)" : isCurrent && !isOver ? " (now)" : "";
    return el("li", { class: `${state} ${tone}`, "aria-current": isCurrent ? "step" : null }, el("span", {}, word, unseen && el("span", { class: "unseen" }, unseen)));
  };
  const rest = at < 0 ? el("p", { class: "resting" }, phase === "Paused" ? "Held." : "Nothing is being rolled out.") : null;
  return [el("ol", { class: "steps", "aria-label": `Rollout: ${phaseWord(phase)}` }, path.map(step)), rest];
}

function bake({ bake, phase }, rollout) {
  const from = Date.parse(bake.since);
  const until = Date.parse(bake.until);
  const total = Math.max(1, until - from);
  const needed = rollout?.minSamples ?? 0;
  const ends = until - now();
  return el(
    "div",
    { class: "bake" },
    el(
      "div",
      {},
      el("p", {}, el("b", { class: "num", "data-left": bake.until }, left(ends)), phase === "Inconclusive" ? " bake is over" : ` left of a bake of ${left(total)}`),
      el("progress", { max: total, value: Math.min(total, now() - from), "data-from": bake.since, "aria-label": "Bake time" }),
    ),
    el(
      "div",
      {},
      el("p", {}, el("b", { class: "num" }, number(bake.samples)), ` scoring calls seen, ${number(needed)} needed`),
      el("progress", { max: Math.max(1, needed), value: Math.min(Math.max(1, needed), needed ? bake.samples : 1), "aria-label": "Scoring calls seen" }),
    ),
  );
}

function facts(scoring, services) {
  const on = services.find((it) => it.name === "scoring");
  const tasks = on?.tasks ?? [];
  const have = tasks.filter((it) => it.settingsRevision && it.settingsRevision === on.settingsRevision).length;
  const revision = (name, digest, note) =>
    digest && el("div", {}, el("dt", {}, name), el("dd", {}, el("code", { title: digest }, short(digest)), note && ` ${note}`));
  return el(
    "dl",
    { class: "facts" },
    revision("Live", scoring.liveRevision, tasks.length ? `settings on ${have} of ${tasks.length} tasks` : ""),
    revision("Last good", scoring.lastGoodRevision, scoring.lastGoodRevision === scoring.liveRevision ? "the live one" : "a rollback goes there"),
    revision("Candidate", scoring.candidateRevision, scoring.candidateRevision === scoring.liveRevision ? "the live one" : ""),
  );
}

function quarantine(entries) {
  const one = (it) =>
    el(
      "li",
      {},
      el("code", { title: it.revision }, short(it.revision)),
      el("span", { class: `pill ${it.convicted ? "bad" : "warn"}` }, it.convicted ? "convicted" : "held"),
      el("time", { datetime: it.at }, clock(it.at)),
      it.alarm && el("span", {}, `${it.alarm}: ${quantity(it.value)} against ${quantity(it.threshold)}`),
      el("p", {}, it.reason),
    );
  return [
    el("h3", {}, "Kept out"),
    el("p", { class: "soft" }, "These revisions were taken back. They stay out until rollout.retryToken changes."),
    el("ul", { class: "plain quarantine" }, [...entries].reverse().map(one)),
  ];
}
