// What is live: server-sent events, read with fetch so that a token can be sent, connected again by itself.

import { setClock } from "./format.js";
import { authorization, askForToken } from "./token.js";

/** The controller says something at least every 5 s. */
const SILENCE_MS = 13_000;
const FIRST_PAUSE_MS = 500;
/** A stream that ends sooner than this is not one that had its time. */
const SHORT_MS = 2_000;
const LONGEST_PAUSE_MS = 10_000;
/** A page that nobody sees gives its connection back. */
const UNSEEN_MS = 30_000;

/** Follows `path` until it is stopped. Tells `heard(kind, data)` and `linked("live" | "cut", since, why)`. */
export class Live {
  #path;
  #heard;
  #linked;
  #stopped = false;
  #abort = new AbortController();
  #last = null;
  #pause = FIRST_PAUSE_MS;

  constructor(path, heard, linked) {
    this.#path = path;
    this.#heard = heard;
    this.#linked = linked;
    this.#follow();
  }

  stop() {
    this.#stopped = true;
    this.#abort.abort();
  }

  async #follow() {
    while (!this.#stopped) {
      try {
        await seen();
        const began = Date.now();
        await this.#read();
        // It ended as it should, as it does every ten minutes: another one takes over.
        if (this.#last !== null && Date.now() - began < SHORT_MS) await this.#wait();
      } catch (error) {
        if (this.#stopped) return;
        this.#linked("cut", this.#last, error.refusal);
        await this.#wait();
      }
    }
  }

  async #read() {
    this.#abort = new AbortController();
    const unseen = whenUnseen(() => this.#abort.abort());
    let watch;
    const wake = () => {
      clearTimeout(watch);
      watch = setTimeout(() => this.#abort.abort(), SILENCE_MS);
    };
    wake();
    try {
      const answer = await fetch(this.#path, { headers: authorization(), cache: "no-store", signal: this.#abort.signal });
      if (answer.status === 401) {
        clearTimeout(watch);
        await askForToken();
        return;
      }
      if (!answer.ok) throw await refusal(answer);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        wake();
        const events = (text + value).split("\n\n");
        text = events.pop();
        for (const event of events) this.#take(event);
      }
    } finally {
      clearTimeout(watch);
      unseen();
    }
  }

  #take(event) {
    const [first, second] = event.split("\n");
    const data = JSON.parse(second.slice("data: ".length));
    setClock(data.at);
    this.#last = Date.now();
    this.#pause = FIRST_PAUSE_MS;
    this.#linked("live", this.#last);
    this.#heard(first.slice("event: ".length), data);
  }

  /** Longer each time, and not all pages at once. Whoever comes back to the page does not wait. */
  async #wait() {
    const ms = this.#pause * (0.75 + Math.random() / 2);
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
    await new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        removeEventListener("online", done);
        document.removeEventListener("visibilitychange", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      addEventListener("online", done);
      document.addEventListener("visibilitychange", done);
    });
  }
}

function seen() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

/** Calls `then` when the page has not been seen for a while. Returns what ends the watch. */
function whenUnseen(then) {
  let timer;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(then, UNSEEN_MS);
  };
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
}

/** One answer in JSON. Throws what the controller says where it cannot tell. */
export async function ask(path, signal) {
  const answer = await fetch(path, { headers: authorization(), cache: "no-store", signal });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

/** Why the controller does not tell, in its own words where it has some. */
async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  const why = problem.detail ?? problem.title ?? `it answered ${answer.status}`;
  return Object.assign(new Error(why), { refusal: why });
}
