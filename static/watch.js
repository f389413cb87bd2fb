/**
 * Notices a connection that died without a word: a network that was left, a machine that slept, a
 * server that was killed. Asks when nothing came for a while, and gives up when nothing answers.
 */

const LOOK_EVERY_MS = 200;

export class Watch {
  /** ask(): sends something that the server answers. onDead(). */
  constructor({ ask, onDead }) {
    this.ask = ask;
    this.onDead = onDead;
    this.timer = null;
  }

  /** transport: has `lastHeard`, and its class says what it is patient with. */
  begin(transport) {
    this.end();
    this.transport = transport;
    this.askedAt = null;
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  end() {
    clearInterval(this.timer);
    this.timer = null;
  }

  /** Something happened that connections do not survive: asks at once. */
  doubt() {
    if (this.timer !== null) this.question(performance.now());
  }

  look() {
    const now = performance.now();
    const { quietMs, answerMs } = this.transport.constructor.patience;
    const { lastHeard } = this.transport;
    if (this.askedAt !== null && lastHeard > this.askedAt) this.askedAt = null;
    if (this.askedAt === null) {
      if (now - lastHeard > quietMs) this.question(now);
    } else if (now - this.askedAt > answerMs) {
      this.end();
      this.onDead();
    }
  }

  question(now) {
    this.askedAt ??= now;
    this.ask();
  }
}
