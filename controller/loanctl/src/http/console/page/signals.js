// The golden signals of a platform's services.

import { el, say } from "./dom.js";
import { clock } from "./format.js";
import { plot, windowOf } from "./plot.js";

const ROWS = { loanApi: "loan-api", auth: "auth", scoring: "scoring", scoreProvider: "score-provider" };
/** `least` is what the highest line of a plot stands for at least: a ripple near zero is no mountain. */
const COLUMNS = [
  { title: "Requests", unit: "/s", least: 1, lines: [["", "Requests"]] },
  { title: "Errors", unit: "%", least: 5, lines: [["", "ErrorRatio"]] },
  { title: "p50, p99", unit: "ms", least: 20, lines: [["p50", "LatencyP50"], ["p99", "LatencyP99"]] },
  { title: "In flight", unit: "", least: 8, lines: [["", "InFlight"]] },
  { title: "CPU", unit: "%", least: 50, lines: [["", "Cpu"]] },
];

/** Draws into `node`. All its plots have one cursor. */
export function signals(node) {
  const note = el("p", { class: "soft" }, "Asking for what was measured …");
  const grid = el("div", { class: "grid" });
  node.replaceChildren(note, grid);
  let plots = [];
  let rest = "";
  grid.addEventListener("point-at", ({ detail }) => {
    say(note, detail === null ? rest : `At ${clock(detail)}.`);
    for (const it of plots) it.point(detail);
  });
  return {
    failed: (why) => say(note, `Not measured now: ${why}`),
    plot: (series) => {
      if (!series.length) {
        say(note, "Nothing was measured yet.");
        grid.replaceChildren();
        return;
      }
      const span = windowOf(series);
      rest = `The last ${span.minutes} minutes.`;
      say(note, rest);
      plots = [];
      grid.replaceChildren(...Object.entries(ROWS).flatMap(([service, name]) => row(service, name, series, span, plots)));
    },
  };
}

function row(service, name, series, span, plots) {
  const own = series.filter((it) => it.of.golden.service === service);
  if (!own.length) return [];
  const cells = COLUMNS.map(({ title, unit, least, lines }) => {
    const found = lines
      .map(([label, signal]) => ({ label, series: own.find((it) => it.of.golden.signal === signal) }))
      .filter((it) => it.series);
    if (!found.length) return el("div", { class: "none soft" }, `${title}: no data`);
    const made = plot({ title, of: name, lines: found, unit, least, span });
    plots.push(made);
    return made.figure;
  });
  return [el("h3", {}, name), ...cells];
}
