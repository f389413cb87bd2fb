/** A prompt's steps as a story: how long it stood where, and why it waited. */
import { OVER, span } from "./words.js";

const WAITING = {
  held: "held back",
  published: "with nobody there to hear it",
  reserved: "in the session's queue, for the floor to be free",
  matched: "to be decided",
};
const WORTH_SAYING_S = 0.5;

/** steps: [{state, at, ...}] -> the same with `lasted`: seconds until the next, null of the last
 * if it is over, else until now. */
export function withSpans(steps, now = Date.now() / 1000) {
  return steps.map((step, at) => {
    const next = steps[at + 1];
    if (next) return { ...step, lasted: Math.max(0, next.at - step.at) };
    return { ...step, lasted: OVER.has(step.state) ? null : Math.max(0, now - step.at) };
  });
}

/** One or two sentences: "Why did this wait 40 s?" "" where nothing is told yet. */
export function whyItWaited(steps, now = Date.now() / 1000) {
  if (!steps.length) return "";
  const spans = withSpans(steps, now);
  const waits = waitsOf(spans);
  const total = waits.reduce((sum, { seconds }) => sum + seconds, 0);
  if (total < WORTH_SAYING_S) return "It did not have to wait.";
  const still = spans.at(-1).lasted !== null && spans.at(-1).state in WAITING;
  const worth = waits.filter(({ seconds }) => seconds >= WORTH_SAYING_S || seconds > total / 2);
  const parts = worth.map(({ state, seconds, reasons }) => {
    const why = [...reasons].join("; ");
    return `${span(seconds)} ${WAITING[state]}${why ? ` (${why})` : ""}`;
  });
  return `It ${still ? "has waited" : "waited"} ${span(total)}: ${parts.join(", ")}.`;
}

/** Longest first. */
function waitsOf(spans) {
  const waits = new Map();
  for (const { state, lasted, reason } of spans) {
    if (!(state in WAITING) || !lasted) continue;
    const wait = waits.get(state) ?? { state, seconds: 0, reasons: new Set() };
    wait.seconds += lasted;
    if (reason) wait.reasons.add(reason);
    waits.set(state, wait);
  }
  return [...waits.values()].sort((one, other) => other.seconds - one.seconds);
}
