/**
 * Sample rate conversion by a polyphase windowed sinc, one sample at a time.
 *
 * The ratio is exact (rates reduced by their greatest common divisor), so no drift builds up.
 * Feed it input while it is not `ready`, take output while it is:
 *
 *   for (const x of input) { r.feed(x); while (r.ready) output.push(r.take()); }   // push
 *   while (!r.ready) r.feed(next()); y = r.take();                                // pull
 *
 * Delay: 16 zero crossings of the lower rate, 0.7 ms at 24 kHz.
 */

const ZERO_CROSSINGS = 16; // each side; with BETA: 80 dB of stop band, flat to 9.6 kHz at 24 kHz
const BETA = 8;
const CUTOFF = 0.92; // of the lower rate's Nyquist frequency, leaves room for the transition

export class Resampler {
  /** Both rates in whole Hz. */
  constructor(fromRate, toRate) {
    const divisor = greatestCommonDivisor(fromRate, toRate);
    this.phases = toRate / divisor; // phases per input sample
    this.step = fromRate / divisor; // phases per output sample
    this.phase = this.phases; // not ready until the first feed
    this.filters = designFilters(this.phases, Math.min(1, toRate / fromRate));
    this.taps = this.filters[0].length;
    this.history = new Float32Array(2 * this.taps); // written twice, so any window is contiguous
    this.at = 0;
  }

  get ready() {
    return this.phase < this.phases;
  }

  /** Takes in one input sample. */
  feed(sample) {
    this.history[this.at] = sample;
    this.history[this.at + this.taps] = sample;
    this.at = (this.at + 1) % this.taps;
    this.phase -= this.phases;
  }

  /** Forgets what was fed: what comes next begins from silence. */
  clear() {
    this.history.fill(0);
  }

  /** Gives one output sample; only when `ready`. */
  take() {
    const filter = this.filters[this.phase];
    let sum = 0;
    for (let tap = 0; tap < this.taps; tap++) sum += filter[tap] * this.history[this.at + tap];
    this.phase += this.step;
    return sum;
  }
}

/** One filter a phase, each summing to 1, so that a constant stays constant. */
function designFilters(phases, ratio) {
  const half = Math.ceil(ZERO_CROSSINGS / ratio);
  const bandwidth = ratio * CUTOFF;
  return Array.from({ length: phases }, (_, phase) => {
    const filter = Float32Array.from({ length: 2 * half }, (_, tap) => {
      const distance = half - 1 - tap + phase / phases; // input samples, from the output's moment
      return sinc(bandwidth * distance) * kaiser(distance / half);
    });
    const sum = filter.reduce((total, value) => total + value, 0);
    return filter.map((value) => value / sum);
  });
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function kaiser(x) {
  return Math.abs(x) >= 1 ? 0 : bessel(BETA * Math.sqrt(1 - x * x)) / bessel(BETA);
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-9; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a, b) {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
