/** How loud the agent's voice is and how much of it was played: what both players report. */

const REPORT_EVERY = 8; // render quanta: 21 ms at 48 kHz

export class Gauge {
  /** post(message): {item, position, level, peak, played, underruns, lateMs}. */
  constructor(post) {
    this.post = post;
    this.counters = { played: 0, peak: 0, underruns: 0, lateMs: 0 };
    this.energy = 0;
    this.quanta = 0;
  }

  /** One rendered sample, -1..1. */
  hear(sample) {
    this.energy += sample * sample;
    this.counters.peak = Math.max(this.counters.peak, Math.abs(sample));
  }

  /** A rendered quantum of so many samples; 0 when it was silent by order. */
  report(samples, item, position) {
    if (samples === 0 && this.energy === 0) return; // silent, and said so before
    this.quanta += 1;
    if (samples > 0 && this.quanta % REPORT_EVERY) return;
    const level = samples === 0 ? 0 : Math.sqrt(this.energy / (REPORT_EVERY * samples));
    this.energy = 0;
    this.post({ item, position, level, ...this.counters });
  }
}
