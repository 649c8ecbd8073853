// Elements. Whatever is shown goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes and children; functions among the attributes listen: `{onclick: …}`. */
export function el(name, attributes = {}, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/** The same of an SVG. */
export function svg(name, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

function furnish(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Sets text only where it differs: what is unchanged is neither painted nor read out again. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * A part of a page that is drawn anew only when what it shows has changed. What was focused or opened in it stays so:
 * give such elements a `data-key`.
 */
export class Part {
  #node;
  #draw;
  #shown;

  constructor(node, draw) {
    this.#node = node;
    this.#draw = draw;
  }

  show(model) {
    const shown = JSON.stringify(model);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = this.#node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const open = new Set([...this.#node.querySelectorAll("details[open]")].map((it) => it.dataset.key));
    this.#node.replaceChildren(...[this.#draw(model)].flat(Infinity).filter(Boolean));
    for (const it of this.#node.querySelectorAll("details")) it.open ||= open.has(it.dataset.key);
    if (focused) this.#node.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }
}
