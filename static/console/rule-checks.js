/** Has the server check a rule while it is written. */
import { path, post } from "./api.js";

const PAUSE_MS = 250; // of typing: a check costs the server some milliseconds

export class RuleChecks {
  /** onProblems([{line, message}]); onUnable(error). */
  constructor({ onProblems, onUnable }) {
    Object.assign(this, { onProblems, onUnable });
    this.latest = 0;
    this.timer = null;
    this.checked = null; // the text that the server said something about last
  }

  /** Soon. Replaces what was to be checked before. */
  soon(text) {
    this.stop();
    this.timer = setTimeout(() => this.now(text), PAUSE_MS);
  }

  stop() {
    clearTimeout(this.timer);
    this.latest += 1;
  }

  async now(text) {
    const mine = ++this.latest;
    try {
      const { problems } = await post(path("rules", "check"), { text });
      if (mine !== this.latest) return; // it was written on since
      this.checked = text;
      this.onProblems(problems);
    } catch (error) {
      if (mine === this.latest) this.onUnable(error);
    }
  }
}
