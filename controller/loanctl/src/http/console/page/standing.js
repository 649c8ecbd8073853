// How a platform stands: the same words and tones on every view.

const PHASES = {
  Idle: "Idle",
  Preflight: "Preflight",
  Applying: "Applying",
  Baking: "Baking",
  Succeeded: "Proved good",
  RollingBack: "Taking back",
  Verifying: "Verifying",
  RolledBack: "Taken back",
  RollbackUnconfirmed: "Taken back, unconfirmed",
  RollbackFailed: "Cannot be taken back",
  Paused: "Held",
  Inconclusive: "Inconclusive",
};

const MOVING = new Set(["Preflight", "Applying", "Baking", "RollingBack", "Verifying"]);

const TONES = {
  Preflight: "moving",
  Applying: "moving",
  Baking: "moving",
  RollingBack: "bad",
  Verifying: "warn",
  RolledBack: "warn",
  RollbackUnconfirmed: "warn",
  RollbackFailed: "bad",
  Paused: "warn",
  Inconclusive: "warn",
};

export const phaseWord = (phase) => PHASES[phase] ?? phase;
export const phaseTone = (phase) => TONES[phase] ?? "calm";
export const isMoving = (phase) => MOVING.has(phase);

/** What matters most of a glance, as `{tone, word, why}`. */
export function standing(glance) {
  const why = glance.message;
  if (glance.firing.length) return { tone: "bad", word: "Alarm", why: `${glance.firing.join(", ")} firing` };
  if (glance.stalled) return { tone: "bad", word: "Stalled", why };
  if (glance.phase === "RollbackFailed") return { tone: "bad", word: "Stuck", why };
  if (glance.reason === "Drifted") return { tone: "warn", word: "Drifted", why };
  if (!glance.ready) return { tone: isMoving(glance.phase) ? "moving" : "warn", word: "Not ready", why };
  return { tone: "ok", word: "Ready", why };
}

/** Whether somebody should look at it. */
export function needsAttention(glance) {
  const tone = standing(glance).tone;
  return tone === "bad" || tone === "warn" || phaseTone(glance.phase) === "warn" || phaseTone(glance.phase) === "bad";
}

const ALARMS = {
  OK: { tone: "ok", word: "OK" },
  ALARM: { tone: "bad", word: "Firing" },
  INSUFFICIENT_DATA: { tone: "calm", word: "No data yet" },
};

export const alarmStanding = (state) => ALARMS[state] ?? { tone: "calm", word: state };
