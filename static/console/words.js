/** The outreach words in plain ones: states, checks, spans of time. */

/** What a prompt's state means, as a short clause. */
export const STATES = {
  matched: "a rule or a request wants it said",
  suppressed: "not said: a check said no for good",
  holdout: "not said: this person is in the share that hears nothing",
  shadow: "not said: its rule is only tried",
  held: "held back for now",
  published: "waits for a session of this person",
  reserved: "in a live session's queue",
  speaking: "being said",
  heard: "heard to the end",
  interrupted: "interrupted by the person",
  failed: "failed",
  engaged: "answered by the person",
  converted: "did what it was for",
  deferred: "put off by the person",
  opted_out: "the person wants no more of these",
  expired: "too late to say",
  cancelled: "withdrawn",
  dead: "given up after its last try",
};

const CHECKS = {
  switch: "kill switch",
  status: "status",
  holdout: "hold-out",
  condition: "condition",
  ttl: "still in time",
  rule_cap: "the rule's cap",
  purpose_cap: "the purpose's cap",
  overall_cap: "the cap over all",
  session: "a session to speak in",
  floor: "the floor",
};

/** A check of the policy. */
export const check = (name) => CHECKS[name] ?? plain(name);

/** In the order in which a funnel narrows. */
export const FUNNEL = [
  "matched",
  "suppressed",
  "holdout",
  "shadow",
  "held",
  "published",
  "speaking",
  "heard",
  "interrupted",
  "engaged",
  "converted",
];


/** "opted_out" -> "opted out". */
export const plain = (name) => String(name).replaceAll("_", " ");

/** A span in its own measure: "340 ms", "4.2 s", "40 s", "3 min 5 s", "2 h 10 min", "3 days". */
export function span(exact) {
  const seconds = exact < 9.95 ? exact : Math.round(exact);
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(seconds, 60, "min", 1, "s");
  if (seconds < 2 * 86400) return pair(seconds, 3600, "h", 60, "min");
  return `${Math.round(seconds / 86400)} days`;
}

function pair(seconds, large, largeName, small, smallName) {
  const whole = Math.floor(seconds / large);
  const rest = Math.floor((seconds - whole * large) / small);
  return rest ? `${whole} ${largeName} ${rest} ${smallName}` : `${whole} ${largeName}`;
}

/** at: Unix time. "just now", "3 min 5 s ago", "in 2 h". */
export function fromNow(at, now = Date.now() / 1000) {
  const ago = now - at;
  if (Math.abs(ago) < 2) return "just now";
  return ago > 0 ? `${span(ago)} ago` : `in ${span(-ago)}`;
}

const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const DAY = { weekday: "short", day: "numeric", month: "short" };

/** at: Unix time; in the browser's zone, with the day unless it is today. */
export function clock(at, now = Date.now() / 1000) {
  const [when, today] = [new Date(at * 1000), new Date(now * 1000)];
  const time = when.toLocaleTimeString("en-GB", TIME);
  if (when.toDateString() === today.toDateString()) return time;
  return `${when.toLocaleDateString("en-GB", DAY)}, ${time}`;
}

/** 1 -> "1 rule", 3 -> "3 rules". */
export const count = (number, name) => `${number} ${name}${number === 1 ? "" : "s"}`;
