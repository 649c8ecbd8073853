// All platforms at a glance.

import { byId, el, say } from "./dom.js";
import { left, now, number, plural } from "./format.js";
import { Live } from "./live.js";
import { isMoving, needsAttention, phaseTone, phaseWord, standing } from "./standing.js";

/** What is known of each platform; kept from view to view, so that going back shows it at once. */
const known = new Map();

const SORTS = [
  { key: "all", label: "All", holds: () => true },
  { key: "attention", label: "Need attention", holds: needsAttention },
  { key: "firing", label: "Alarms firing", holds: (it) => it.firing.length > 0 },
  { key: "moving", label: "Rolling out", holds: (it) => isMoving(it.phase) },
];
let sort = SORTS[0];
let wanted = "";

/** `alba-2` before `alba-10`. */
const byName = new Intl.Collator("en", { numeric: true });

const SPOKEN_EVERY_MS = 3_000;

export class GlanceView {
  #live;
  #rows = new Map();
  #list = el("ul", { class: "rows", "aria-label": "Platforms" });
  #empty = el("p", { class: "empty", hidden: true });
  #chips = el("div", { class: "chips", role: "group", "aria-label": "Show" });
  #filter;
  #spoken = { at: 0, timer: null, names: new Set() };

  constructor(main, linked) {
    document.title = "Loan platforms";
    this.#filter = el("input", {
      id: "filter",
      type: "search",
      placeholder: "Filter by name, state, revision, alarm",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => {
        wanted = this.#filter.value.trim().toLowerCase();
        this.#sift();
      },
    });
    this.#filter.value = wanted;
    main.replaceChildren(
      el("h1", { class: "unseen" }, "Loan platforms at a glance"),
      el(
        "div",
        { class: "tools" },
        this.#chips,
        el("label", { class: "unseen", for: "filter" }, "Filter platforms"),
        this.#filter,
      ),
      headings(),
      this.#list,
      this.#empty,
    );
    this.#chips.append(...SORTS.map((it) => this.#chip(it)));
    this.#draw([...known.keys()]);
    this.#live = new Live("/console/stream", (kind, data) => this.#hear(kind, data), linked);
  }

  close() {
    this.#live.stop();
    clearTimeout(this.#spoken.timer);
  }

  find(event) {
    event.preventDefault();
    this.#filter.focus();
  }

  #hear(kind, data) {
    if (kind === "beat") return;
    const told = data.platforms;
    const gone = kind === "snapshot" ? missing(told) : data.removed;
    for (const name of gone) {
      known.delete(name);
      this.#rows.get(name)?.node.remove();
      this.#rows.delete(name);
    }
    for (const it of told) {
      const before = known.get(it.name);
      known.set(it.name, it);
      if (kind === "changes" && isHeadline(before, it)) this.#spoken.names.add(it.name);
    }
    this.#draw(told.map((it) => it.name));
    if (kind === "snapshot") performance.mark("platforms shown");
    this.#speak();
  }

  /** Draws the rows of `names`, and puts every row in its place. */
  #draw(names) {
    for (const name of names) {
      const row = this.#rows.get(name) ?? { node: el("li"), text: "" };
      this.#rows.set(name, row);
      draw(row, known.get(name));
    }
    // Those that need somebody come first; otherwise by name, so that nothing jumps about.
    const sorted = [...this.#rows.entries()].sort(([a, one], [b, other]) => one.rank - other.rank || byName.compare(a, b));
    let place = this.#list.firstElementChild;
    for (const [, { node }] of sorted) {
      if (node === place) place = place.nextElementSibling;
      else keepFocus(() => this.#list.insertBefore(node, place), node);
    }
    this.#sift();
  }

  /** Hides what is not asked for. */
  #sift() {
    let shown = 0;
    for (const [name, row] of this.#rows) {
      const holds = sort.holds(known.get(name)) && row.text.includes(wanted);
      row.node.hidden = !holds;
      shown += holds;
    }
    this.#empty.hidden = shown > 0;
    say(this.#empty, this.#nothing());
    for (const chip of this.#chips.children) {
      const { key, holds } = SORTS.find((it) => it.key === chip.dataset.key);
      chip.setAttribute("aria-pressed", String(key === sort.key));
      let count = 0;
      for (const it of known.values()) count += holds(it);
      say(chip.lastElementChild, number(count));
      chip.dataset.any = String(count > 0);
    }
    const attention = [...known.values()].filter(needsAttention).length;
    document.title = attention ? `(${attention}) Loan platforms` : "Loan platforms";
  }

  #nothing() {
    if (document.body.dataset.link === "connecting") return "Asking the controller …";
    if (!known.size) return "No platforms yet: put a spec file into the specs directory.";
    return wanted ? "No platform matches." : "None: all is well.";
  }

  #chip(it) {
    const choose = () => {
      sort = it;
      this.#sift();
    };
    return el("button", { type: "button", "data-key": it.key, onclick: choose }, el("span", {}, it.label), el("b", {}, "0"));
  }

  /** Reads out what has changed, now and then, all together. */
  #speak() {
    const { names } = this.#spoken;
    if (!names.size || this.#spoken.timer) return;
    const wait = Math.max(0, this.#spoken.at + SPOKEN_EVERY_MS - Date.now());
    this.#spoken.timer = setTimeout(() => {
      const told = [...names].slice(0, 3).filter((name) => known.has(name));
      const words = told.map((name) => `${name}: ${standing(known.get(name)).word}, ${phaseWord(known.get(name).phase)}`);
      const more = names.size > 3 ? `, and ${names.size - 3} more` : "";
      byId("said").textContent = `${words.join("; ")}${more}`;
      names.clear();
      Object.assign(this.#spoken, { at: Date.now(), timer: null });
    }, wait);
  }
}

function missing(told) {
  const names = new Set(told.map((it) => it.name));
  return [...known.keys()].filter((name) => !names.has(name));
}

function isHeadline(before, after) {
  return !before || standing(before).word !== standing(after).word || before.phase !== after.phase;
}

/** An element that is moved loses the focus, were it not given back. */
function keepFocus(move, node) {
  const focused = node.contains(document.activeElement) ? document.activeElement : null;
  move();
  focused?.focus({ preventScroll: true });
}

function headings() {
  const names = ["Platform", "State", "Scoring rollout", "Revision", "Alarms", "Tasks", "What it waits for, or why"];
  return el("div", { class: "headings", "aria-hidden": "true" }, names.map((name) => el("span", {}, name)));
}

function draw(row, glance) {
  const { tone, word, why } = standing(glance);
  const isPlain = glance.stalled || word === "Drifted";
  const waits = isPlain ? glance.message : (glance.waitingOn ?? (tone === "ok" ? "" : why));
  row.rank = tone === "bad" ? 0 : needsAttention(glance) ? 1 : 2;
  row.text = [glance.name, word, glance.reason, phaseWord(glance.phase), glance.live, glance.candidate, ...glance.firing, waits]
    .join(" ")
    .toLowerCase();
  row.node.dataset.tone = tone;
  row.node.replaceChildren(
    el(
      "a",
      { class: "row", href: `#/${encodeURIComponent(glance.name)}` },
      el("span", { class: "name" }, glance.name, mode(glance.mode)),
      el("span", { class: "state" }, el("span", { class: `mark ${tone}` }), word),
      el("span", { class: "phase" }, phase(glance)),
      el("span", { class: "revision" }, unseen("revision "), glance.candidate ?? glance.live ?? "none"),
      el("span", { class: "firing" }, alarms(glance)),
      el(
        "span",
        { class: glance.running < glance.desired ? "tasks short" : "tasks" },
        `${glance.running}/${glance.desired}`,
        unseen(" tasks"),
      ),
      el("span", { class: "why", title: waits || null }, waits),
    ),
  );
}

const unseen = (text) => el("span", { class: "unseen" }, text);

const mode = (mode) => (mode && mode !== "Enforce" ? el("span", { class: "tag" }, mode) : null);

function phase(glance) {
  const parts = [el("span", { class: `pill ${phaseTone(glance.phase)}` }, phaseWord(glance.phase))];
  if (glance.bake) {
    const ends = Date.parse(glance.bake.until) - now();
    parts.push(el("span", { class: "left" }, unseen("ends in "), el("span", { "data-left": glance.bake.until }, left(ends))));
  }
  return parts;
}

function alarms(glance) {
  if (glance.firing.length) {
    return [el("span", { class: "pill bad" }, plural(glance.firing.length, "firing", "firing")), unseen(` of ${glance.alarms} alarms`)];
  }
  return glance.alarms ? `${glance.alarms} quiet` : "none";
}
