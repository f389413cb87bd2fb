/** A prompt's steps as a story: how long it stood where, and why it waited. */
import { span } from "./words.js";

const WAITING = {
  matched: "to be decided",
  held: "held back",
  published: "for a session of the person",
  reserved: "for the floor to be free",
};
const WORTH_SAYING_S = 0.5;

/** steps: as the server tells them -> the same with `lasted`: seconds; of the last one until now,
 * null if the prompt is over. */
export function withSpans(steps, over, now) {
  return steps.map((step) => ({
    ...step,
    lasted: step.lasted_s ?? (over ? null : Math.max(0, now - step.at)),
  }));
}

/** "Why did this wait 40 s?", in a sentence. "" where nothing is told yet. */
export function whyItWaited(steps, over, now) {
  if (!steps.length) return "";
  const waits = waitsOf(withSpans(steps, over, now));
  const total = waits.reduce((sum, { seconds }) => sum + seconds, 0);
  if (total < WORTH_SAYING_S) return over ? "It did not have to wait." : "It has not had to wait so far.";
  const worth = waits.filter(({ seconds }) => seconds >= WORTH_SAYING_S);
  const parts = (worth.length ? worth : waits.slice(0, 1)).map(waitWords);
  const still = !over && steps.at(-1).state in WAITING;
  return `It ${still ? "has waited" : "waited"} ${span(total)}: ${parts.join("; ")}.`;
}

function waitWords({ phrase, seconds, reasons }) {
  const why = [...reasons].join(", ");
  return `${span(seconds)} ${phrase}${why ? ` (${why})` : ""}`;
}

/** Longest first; those of one kind together. */
function waitsOf(spans) {
  const waits = new Map();
  for (const { state, lasted, reason, words } of spans) {
    if (!(state in WAITING) || !lasted) continue;
    const phrase = words?.replace(/^waited [\d.]+ \w+ /, "") || WAITING[state]; // the server knows more
    const wait = waits.get(phrase) ?? { state, phrase, seconds: 0, reasons: new Set() };
    wait.seconds += lasted;
    if (reason && !phrase.includes(reason)) wait.reasons.add(reason);
    waits.set(phrase, wait);
  }
  return [...waits.values()].sort((one, other) => other.seconds - one.seconds);
}
