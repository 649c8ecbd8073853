// What differs between two scoring revisions.

import { el } from "./dom.js";
import { plural, short } from "./format.js";
import { changes } from "./history.js";
import { ask } from "./live.js";

export class RevisionsPart {
  #path;
  #key = "";
  #from = select("from");
  #to = select("to");
  #result = el("div", { class: "result", "aria-live": "polite" });
  #chosen = false;
  #asked = 0;

  constructor(node, path) {
    this.#path = path;
    const swap = el("button", { type: "button", class: "quiet", onclick: () => this.#swap() }, "Swap");
    node.replaceChildren(
      el("div", { class: "choose" }, el("label", {}, "From ", this.#from), swap, el("label", {}, "to ", this.#to)),
      this.#result,
    );
    for (const it of [this.#from, this.#to]) {
      it.addEventListener("change", () => {
        this.#chosen = true;
        this.#compare();
      });
    }
  }

  /** Asks again whenever the revisions that there are may be others. */
  show({ phase, liveRevision, candidateRevision, lastGoodRevision, quarantined }, generation) {
    const key = [phase, liveRevision, candidateRevision, lastGoodRevision, quarantined.length, generation].join();
    if (key === this.#key) return;
    this.#key = key;
    this.#list();
  }

  async #list() {
    try {
      const { revisions } = await ask(`${this.#path}/revisions`);
      const [from, to] = this.#chosen ? [this.#from.value, this.#to.value] : telling(revisions);
      offer(this.#from, revisions, from);
      offer(this.#to, revisions, to);
      await this.#compare();
    } catch (error) {
      this.#key = "";
      this.#tell(`Cannot be told now: ${error.message}`);
    }
  }

  #swap() {
    [this.#from.value, this.#to.value] = [this.#to.value, this.#from.value];
    this.#chosen = true;
    this.#compare();
  }

  async #compare() {
    const [from, to] = [this.#from.value, this.#to.value];
    if (!from || !to) return this.#tell("There is no revision yet.");
    if (from === to) return this.#tell("That is the same revision.");
    this.#asked += 1;
    const asked = this.#asked;
    try {
      const { fields } = await ask(`${this.#path}/revisions?${new URLSearchParams({ from, to })}`);
      if (asked !== this.#asked) return;
      if (!fields.length) return this.#tell("No field differs.");
      this.#result.replaceChildren(el("p", { class: "soft" }, `${plural(fields.length, "field")} changed.`), changes(fields));
    } catch (error) {
      this.#tell(error.message);
    }
  }

  #tell(words) {
    this.#result.replaceChildren(el("p", { class: "soft" }, words));
  }
}

function select(name) {
  return el("select", { name });
}

function offer(select, revisions, chosen) {
  const option = ({ digest, names, kept }) => el("option", { value: digest, disabled: !kept }, `${short(digest)}: ${names.join(", ")}${kept ? "" : " (content not kept)"}`);
  select.replaceChildren(...revisions.map(option));
  if (revisions.some((it) => it.digest === chosen && it.kept)) select.value = chosen;
}

/** What people want to see first: from the last good one to what was tried, or to the live one. */
function telling(revisions) {
  const named = (name) => revisions.find((it) => it.kept && it.names.includes(name))?.digest;
  const newest = named("candidate") ?? named("last tried") ?? named("live");
  const good = named("last good");
  return good === newest ? [named("good before") ?? good, newest] : [good ?? newest, newest];
}
