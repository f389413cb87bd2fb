/** While the connection is away: for how long, and what the person is told of it. */

const HARDLY_MISSED_MS = 1200; // back sooner than this, it is not worth an alarm

export class Absence {
  /** show: {trouble(name, more), clear(...names)}. */
  constructor(show) {
    this.show = show;
    this.since = null; // performance.now() of the loss, null while nothing was lost
    this.why = null;
  }

  /** A try failed, or the connection went. As RealtimeClient's "waiting" tells it. */
  waiting({ reason, message, seconds }) {
    this.since ??= performance.now();
    this.why = reason;
    if (this.isLong || reason !== "gone") this.show.trouble(this.name, waitingWords(message, seconds));
  }

  trying() {
    if (this.isLong) this.show.trouble(this.name, "Trying now…");
  }

  /** It stands again, or is not wanted any more. Returns how long it was away, 0 if it was not. */
  over() {
    const milliseconds = this.since === null ? 0 : performance.now() - this.since;
    this.since = null;
    this.show.clear("gone", "full", "refused", "offline");
    return milliseconds;
  }

  get isLong() {
    return performance.now() - this.since > HARDLY_MISSED_MS;
  }

  get name() {
    return this.why === "gone" && navigator.onLine === false ? "offline" : this.why;
  }
}

function waitingWords(message, seconds) {
  const next = seconds === null ? "Trying to come back…" : `Trying again in ${seconds} s…`;
  return message ? `${message} ${next}` : next;
}
