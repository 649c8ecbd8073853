// Small plots: lines over time, a threshold, a cursor that all plots of a page share.

import { el, svg } from "./dom.js";
import { clock, number, quantity } from "./format.js";

const WIDTH = 300;
const HEIGHT = 64;
const WINDOWS_MIN = [5, 10, 20, 40, 60];

/** The stretch of time that shows all there is: a platform of five minutes need not look empty. */
export function windowOf(series) {
  const end = Math.max(...series.map((it) => Date.parse(it.start) + it.periodMs * it.values.length));
  const oldest = Math.min(
    ...series.map((it) => {
      const first = it.values.findIndex((value) => value != null);
      return first < 0 ? end : Date.parse(it.start) + first * it.periodMs;
    }),
  );
  const minutes = WINDOWS_MIN.find((it) => end - oldest <= it * 60_000) ?? 60;
  return { start: end - minutes * 60_000, end, minutes };
}

/** A figure of `lines`: `[{label, series}]`. `threshold` is `{value, above}`. One that `tellsTime` says where the cursor is. */
export function plot({ title, of, lines, unit, threshold, span, least = 0, tellsTime }) {
  const values = lines.flatMap(({ series }) => within(series, span).map(([, value]) => value));
  const top = Math.max(...values, threshold?.value ?? 0, least) * 1.15 || 1;
  const y = (value) => HEIGHT - (Math.max(0, value) / top) * HEIGHT;
  const x = (time) => ((time - span.start) / (span.end - span.start)) * WIDTH;
  const cursor = svg("line", { class: "cursor", y1: 0, y2: HEIGHT, x1: -9, x2: -9 });
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": inWords(title, of, lines, unit, span, threshold) },
    threshold && breach(threshold, y),
    lines.map(({ series }, index) => svg("path", { class: `line line-${index}`, d: path(series, span, x, y) })),
    cursor,
  );
  const together = (values) => (values.length > 1 ? `${values.slice(0, -1).map(rounded).join(", ")}, ${quantity(values.at(-1), unit)}` : quantity(values[0], unit));
  const newest = together(lines.map((line) => last(line.series)));
  const name = el("span", { class: "name num" }, title);
  const readout = el("span", { class: "value num" }, newest);
  const area = el("div", { class: "area" }, picture, el("span", { class: "top num", "aria-hidden": "true" }, quantity(top / 1.15, unit)));
  const figure = el("figure", { class: "plot" }, el("figcaption", {}, name, readout), area);
  const point = (time) => {
    cursor.setAttribute("x1", x(time));
    cursor.setAttribute("x2", x(time));
    readout.textContent = together(lines.map((line) => at(line.series, time)));
    if (tellsTime) name.textContent = clock(time);
  };
  const rest = () => {
    cursor.setAttribute("x1", -9);
    cursor.setAttribute("x2", -9);
    readout.textContent = newest;
    name.textContent = title;
  };
  area.addEventListener("pointermove", (event) => {
    const box = area.getBoundingClientRect();
    const time = span.start + ((event.clientX - box.left) / box.width) * (span.end - span.start);
    area.dispatchEvent(new CustomEvent("point-at", { bubbles: true, detail: time }));
  });
  area.addEventListener("pointerleave", () => area.dispatchEvent(new CustomEvent("point-at", { bubbles: true, detail: null })));
  return { figure, point: (time) => (time === null ? rest() : point(time)) };
}

/** Pairs of time and value, the middle of each period. */
function within({ start, periodMs, values }, span) {
  const from = Date.parse(start);
  return values.map((value, index) => [from + (index + 0.5) * periodMs, value]).filter(([time, value]) => value != null && time >= span.start);
}

function path(series, span, x, y) {
  let d = "";
  let before = null;
  for (const [time, value] of within(series, span)) {
    const joins = before !== null && time - before <= series.periodMs * 1.5;
    // A lone value is a dot: a line of no length with round ends.
    d += joins ? `L${x(time).toFixed(1)} ${y(value).toFixed(1)}` : `M${x(time).toFixed(1)} ${y(value).toFixed(1)}h0.01`;
    before = time;
  }
  return d;
}

function breach({ value, above }, y) {
  const edge = y(value);
  const [from, height] = above ? [0, edge] : [edge, HEIGHT - edge];
  return [
    svg("rect", { class: "breach", x: 0, y: from, width: WIDTH, height: Math.max(0, height) }),
    svg("line", { class: "threshold", x1: 0, x2: WIDTH, y1: edge, y2: edge }),
  ];
}

function at({ start, periodMs, values }, time) {
  return values[Math.floor((time - Date.parse(start)) / periodMs)];
}

const rounded = (value) => (value == null ? "no data" : number(value));

const last = ({ values }) => values.findLast((value) => value != null);

/** The same for those who do not see it. */
function inWords(title, of, lines, unit, span, threshold) {
  const told = lines.map(({ label, series }) => {
    const values = within(series, span).map(([, value]) => value);
    if (!values.length) return `${label ?? ""} no data`;
    const [now, least, most] = [values.at(-1), Math.min(...values), Math.max(...values)];
    return `${label ? `${label} ` : ""}now ${quantity(now, unit)}, lowest ${quantity(least, unit)}, highest ${quantity(most, unit)}`;
  });
  const limit = threshold ? `; fires ${threshold.above ? "above" : "below"} ${quantity(threshold.value, unit)}` : "";
  return `${title}${of ? ` of ${of}` : ""}, last ${span.minutes} minutes: ${told.join("; ")}${limit}`;
}
