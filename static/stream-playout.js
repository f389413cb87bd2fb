/**
 * Plays the agent's voice as it comes over WebRTC, and counts, per item, the samples played.
 *
 * What the network and the browser's jitter buffer hold cannot be taken back: a pause keeps it for
 * later, a cut lets it run by unheard. The delay that a pause leaves is given back between words.
 * No browser and no clock in here: stream-worklet.js renders it, tests do too.
 *
 * In:  {begin: item} its audio comes · {end: item} no more comes · {pause: true|false} · {flush: true}
 * Out: as Playout's; position and played are samples at 24 kHz
 */
import { Gauge } from "./gauge.js";

const RATE = 24000;
const QUIET = 0.004; // -48 dBFS: a pause between words
const TAIL_S = 0.15; // so long a silence after the last packet was sent: all of it was heard
const LATE_S = 0.4; // for an item of which nothing was heard: it may still be on its way
const PASSED_S = 0.2; // so long a silence after a cut: what was in flight has gone by
const MOST_HELD_S = 2; // a pause that lasts is no pause: what comes then is dropped

export class StreamPlayout {
  /** rate: of the stream and of what is rendered, whole Hz. post(message): see Out above. */
  constructor(rate, post) {
    this.rate = rate;
    this.post = post;
    this.gauge = new Gauge(post);
    this.held = []; // render quanta kept while paused
    this.heldSamples = 0;
    this.item = null; // the one whose audio comes
    this.upcoming = []; // and those after it
    this.begun = false; // something of the item was heard
    this.ending = null; // samples rendered since its end was told
    this.position = 0; // samples of it rendered
    this.trailing = 0; // of them, quiet ones at the end
    this.paused = false;
    this.shut = false; // after a cut, until what was in flight is gone
    this.quietFor = 0; // samples of the stream
    this.gain = 1;
  }

  get counters() {
    return this.gauge.counters;
  }

  obey(order) {
    if (order.begin) this.begin(order.begin);
    else if (order.end) this.end(order.end);
    else if (order.flush) this.flush();
    else this.paused = order.pause;
  }

  begin(item) {
    if (this.item === null) this.take(item);
    else this.upcoming.push(item);
    this.shut = false;
  }

  take(item) {
    this.item = item;
    this.begun = false;
    this.ending = null;
    this.position = 0;
    this.trailing = 0;
  }

  end(item) {
    if (item === this.item) this.ending = 0;
  }

  /** Passes a quantum of the stream, `input`, on to `out`; both Float32Arrays of one length. */
  render(input, out) {
    const quiet = isQuiet(input);
    this.quietFor = quiet ? this.quietFor + input.length : 0;
    if (this.quietFor >= PASSED_S * this.rate) this.shut = false;
    const target = this.paused || this.shut ? 0 : 1;
    if (target === 0 && this.gain === 0) {
      if (!quiet && !this.shut) this.hold(input);
      out.fill(0);
      this.gauge.report(0, this.item, this.played);
    } else {
      this.sound(this.next(input, quiet), out, target);
      this.gauge.report(out.length, this.item, this.played);
    }
    this.finishWhenHeard(out.length);
  }

  sound(samples, out, target) {
    const ramp = (target - this.gain) / out.length;
    for (let i = 0; i < out.length; i++) {
      this.gain += ramp; // a cut without it clicks
      out[i] = samples[i] * this.gain;
      this.gauge.hear(out[i]);
    }
    this.gain = target;
    if (this.item !== null) this.count(samples);
  }

  count(samples) {
    const quiet = isQuiet(samples);
    this.begun ||= !quiet;
    if (!this.begun) return;
    this.position += samples.length;
    this.trailing = quiet ? this.trailing + samples.length : 0;
    this.counters.played += (samples.length * RATE) / this.rate;
  }

  /** Of the item, samples at 24 kHz. */
  get played() {
    return Math.round((this.position * RATE) / this.rate);
  }

  /** What sounds now: the stream itself, or what a pause left to be said before it. */
  next(input, quiet) {
    if (!this.held.length) return input;
    if (!quiet) this.hold(input);
    const samples = this.held.shift();
    this.heldSamples -= samples.length;
    return samples;
  }

  hold(input) {
    if (this.heldSamples + input.length > MOST_HELD_S * this.rate) return;
    this.held.push(input.slice());
    this.heldSamples += input.length;
  }

  finishWhenHeard(samples) {
    if (this.item === null) return;
    if (this.ending !== null) this.ending += samples;
    if (this.held.length || this.quietFor < TAIL_S * this.rate) return;
    const over = this.ending !== null && (this.begun || this.ending >= LATE_S * this.rate);
    if (over || (this.begun && this.upcoming.length)) this.finish();
  }

  finish() {
    const sounded = this.position - this.trailing;
    this.post({ ended: this.item, position: Math.round((sounded * RATE) / this.rate) });
    this.item = null;
    if (this.upcoming.length) this.take(this.upcoming.shift());
  }

  /** Silent within one quantum; what was said before this and still comes is not heard. */
  flush() {
    if (this.item !== null) this.post({ stopped: this.item, position: this.played });
    for (const item of this.upcoming) this.post({ stopped: item, position: 0 });
    this.item = null;
    this.upcoming = [];
    this.held = [];
    this.heldSamples = 0;
    this.paused = false;
    this.shut = true;
  }
}

function isQuiet(samples) {
  return samples.every((sample) => Math.abs(sample) < QUIET);
}
