// Numbers and times, as people read them.

let ahead = 0;

/** Sets the clock by the controller's: countdowns go by its time, whatever this machine thinks. */
export function setClock(at) {
  ahead = Date.parse(at) - Date.now();
}

export const now = () => Date.now() + ahead;

/** `31`, `0.42`, `12,300`. */
export function number(value) {
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}

/** A value with its unit: `31 %`, `5/s`. */
export function quantity(value, unit = "") {
  if (value == null) return "no data";
  if (!unit) return number(value);
  return unit.startsWith("/") ? `${number(value)}${unit}` : `${number(value)} ${unit}`;
}

/** `48 s`, `3 min`, `2 h 5 min`, `4 days`. */
export function span(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} days`;
}

/** `0:07`, `12:40`: what is left of a countdown. */
export function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

export const passed = (at) => span(now() - Date.parse(at));

export const ago = (at) => {
  const passed = now() - Date.parse(at);
  return passed < 5000 ? "just now" : `${span(passed)} ago`;
};

/** Time of day; with the day, unless it is today. */
export function clock(at) {
  const time = new Date(at);
  const day = time.toDateString() === new Date(now()).toDateString() ? {} : { day: "numeric", month: "short" };
  return time.toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

/** The beginning of a digest: enough for people. */
export const short = (digest) => (digest ?? "").slice(0, 12);

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;
