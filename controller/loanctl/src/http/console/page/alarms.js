// Alarms: their state, their values against their thresholds, what they do.

import { el } from "./dom.js";
import { passed, quantity } from "./format.js";
import { plot, windowOf } from "./plot.js";
import { alarmStanding } from "./standing.js";

const SIGNS = {
  GreaterThanThreshold: ">",
  GreaterThanOrEqualToThreshold: "≥",
  LessThanThreshold: "<",
  LessThanOrEqualToThreshold: "≤",
};

export class AlarmsPart {
  #node;
  #status = [];
  #spec = [];
  #series = [];
  #shown = "";
  #plots = [];

  constructor(node) {
    this.#node = node;
    node.addEventListener("point-at", ({ detail }) => this.#plots.forEach((it) => it.point(detail)));
  }

  show(status, spec) {
    this.#status = status;
    this.#spec = spec;
    this.#draw();
  }

  plot(series) {
    this.#series = series;
    this.#draw();
  }

  #draw() {
    const shown = JSON.stringify([this.#status, this.#spec, this.#series]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    if (!this.#status.length) {
      this.#node.replaceChildren(el("p", { class: "empty" }, "No alarms."));
      return;
    }
    this.#plots = [];
    const span = this.#series.length ? windowOf(this.#series) : null;
    this.#node.replaceChildren(el("div", { class: "cards" }, this.#status.map((it) => this.#card(it, span))));
  }

  #card(alarm, span) {
    const { tone, word } = alarmStanding(alarm.state);
    const wanted = this.#spec.find((it) => it.name === alarm.name);
    const series = this.#series.find((it) => it.of.alarm.name === alarm.name);
    const sign = SIGNS[wanted?.comparison ?? series?.of.alarm.comparison] ?? "against";
    const unit = series?.unit ?? "";
    return el(
      "article",
      { class: `card alarm ${tone}` },
      el("h3", {}, alarm.name, el("span", { class: `pill ${tone}` }, word)),
      el(
        "p",
        { class: "num" },
        el("b", {}, quantity(alarm.value, unit)),
        ` fires ${sign} ${quantity(alarm.threshold, unit)}`,
        el("span", { class: "soft since" }, `${word} for `, el("time", { datetime: alarm.since, "data-passed": alarm.since }, passed(alarm.since))),
      ),
      series && span && this.#plot(alarm, series, span, sign),
      wanted && el("p", { class: "soft" }, does(wanted)),
    );
  }

  #plot(alarm, series, span, sign) {
    const threshold = { value: alarm.threshold, above: sign !== "<" && sign !== "≤" };
    const made = plot({ title: `last ${span.minutes} min`, of: alarm.name, lines: [{ series }], unit: series.unit, threshold, span, tellsTime: true });
    this.#plots.push(made);
    return made.figure;
  }
}

function does(alarm) {
  const periods = alarm.evaluationPeriods ?? 1;
  const judged = `${alarm.datapointsToAlarm ?? periods} of ${periods} periods of ${alarm.period ?? "1m"}`;
  const actions = alarm.onAlarm?.length ? `then ${alarm.onAlarm.join(", ")}` : "does nothing";
  return `${judged}; ${actions}`;
}
