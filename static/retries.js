/**
 * How long to wait before each try to come back: at first almost not, then ever longer.
 *
 * A dropped connection is mostly back at once, a restarted server within seconds, and a person who
 * is being talked to notices half a second. Only an absence that lasts gets a longer breath.
 */

const QUICK_MS = [0, 100, 200];
const STEADY_MS = 250; // with the time to connect, a talk goes on within half a second
const STEADY_TRIES = 60; // about 15 s: a server that restarts is back by then
const SLOW_MS = [1000, 2000, 4000, 8000];
const JITTER = 0.2; // so that all pages of a restarted server do not come at the same moment

export class Retries {
  /** random: 0..1, as Math.random. */
  constructor(random = Math.random) {
    this.random = random;
    this.tries = 0;
  }

  /** Milliseconds until the next try. unwelcome: the server answered, and said no. */
  next(unwelcome = false) {
    const tries = this.tries++;
    const wait = unwelcome ? at(SLOW_MS, tries) : plan(tries);
    return Math.round(wait * (1 + JITTER * (2 * this.random() - 1)));
  }

  /** It worked, or something changed: the next try comes quickly again. */
  reset() {
    this.tries = 0;
  }
}

function plan(tries) {
  if (tries < QUICK_MS.length) return QUICK_MS[tries];
  const steady = tries - QUICK_MS.length;
  return steady < STEADY_TRIES ? STEADY_MS : at(SLOW_MS, steady - STEADY_TRIES);
}

function at(steps, index) {
  return steps[Math.min(index, steps.length - 1)];
}
