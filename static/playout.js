/**
 * Plays 24 kHz PCM16 at another rate and counts, per item, the samples played.
 *
 * No browser and no clock in here: playout-worklet.js renders it, tests do too.
 *
 * In:  {play: item, pcm: ArrayBuffer} · {end: item} · {pause: true|false} · {flush: true}
 * Out: {item, position, level, peak, played, underruns, lateMs}   every 20 ms or so while playing
 *      {ended: item, position}      its last sample was played
 *      {stopped: item, position}    it was flushed; position 0 if it had not begun
 * position and played are samples at 24 kHz; level is RMS, peak the highest sample so far (0..1).
 */
import { Gauge } from "./gauge.js";
import { Resampler } from "./resampler.js";

const RATE = 24000;
const PREBUFFER = 0.04 * RATE; // rides out the jitter of a timer-paced server
const RELAXED = 0.2 * RATE; // the server leads by 80 ms; more than this is delay left by an underrun
const CAPACITY = 30 * RATE; // bounds memory against a server that does not pace; beyond it, dropped
const QUIET = 0.004 * 32768; // -48 dBFS: a pause between words
const SKIP = 0.005 * RATE; // so much of a pause may go at once
const FADE = 0.005 * RATE; // a cut shorter than this clicks

export class Playout {
  /** outputRate: of what `render` is asked for, whole Hz. post(message): see Out above. */
  constructor(outputRate, post) {
    this.outputRate = outputRate;
    this.post = post;
    this.gauge = new Gauge(post);
    this.resampler = new Resampler(RATE, outputRate);
    this.queue = []; // {item, pcm, at} or {item, end: true}
    this.fill = 0;
    this.item = null; // the one being played
    this.position = 0;
    this.waiting = true; // for the prebuffer
    this.paused = false;
    this.gain = 0;
    this.rendered = 0; // samples at the output rate: the only clock
    this.lateSince = null; // on that clock
  }

  get counters() {
    return this.gauge.counters;
  }

  obey(order) {
    if (order.play) this.add(order.play, new Int16Array(order.pcm));
    else if (order.end) this.queue.push({ item: order.end, end: true });
    else if (order.flush) this.flush();
    else this.paused = order.pause;
  }

  add(item, pcm) {
    if (this.fill + pcm.length > CAPACITY) return;
    this.queue.push({ item, pcm, at: 0 });
    this.fill += pcm.length;
  }

  /** Fills `out`, a Float32Array. */
  render(out) {
    this.rendered += out.length;
    if (this.waiting && this.enough()) this.begin();
    const target = this.waiting || this.paused ? 0 : 1;
    if (target === 0 && this.gain === 0) {
      out.fill(0);
      return this.gauge.report(0, this.item, this.position);
    }
    if (this.fill > RELAXED) this.skipPause();
    const ramp = (target - this.gain) / out.length;
    for (let i = 0; i < out.length; i++) {
      while (!this.resampler.ready) this.resampler.feed(this.next());
      this.gain += ramp;
      out[i] = this.resampler.take() * this.gain;
      this.gauge.hear(out[i]);
    }
    this.gain = target;
    this.gauge.report(out.length, this.item, this.position);
  }

  enough() {
    return this.fill >= PREBUFFER || this.queue.some((entry) => entry.end);
  }

  begin() {
    this.waiting = false;
    if (this.lateSince === null) return;
    this.counters.lateMs += (1000 * (this.rendered - this.lateSince)) / this.outputRate;
    this.lateSince = null;
  }

  /** The next 24 kHz sample (-1..1); silence when there is none. */
  next() {
    while (this.queue.length) {
      const head = this.queue[0];
      if (head.end) {
        this.finish(head.item);
      } else if (head.at < head.pcm.length) {
        this.count(head.item, 1);
        return head.pcm[head.at++] / 32768;
      }
      this.queue.shift();
    }
    this.starve();
    return 0;
  }

  count(item, samples) {
    if (item !== this.item) {
      this.item = item;
      this.position = 0;
    }
    this.position += samples;
    this.fill -= samples;
    this.counters.played += samples;
  }

  starve() {
    if (this.waiting) return;
    this.waiting = true;
    if (this.item === null) return; // all that was begun has ended
    this.counters.underruns += 1;
    this.lateSince = this.rendered;
  }

  finish(item) {
    this.post({ ended: item, position: item === this.item ? this.position : 0 });
    this.item = null;
  }

  /** Gives back the delay that an underrun left, where nobody hears it: in a pause. */
  skipPause() {
    const head = this.queue[0];
    if (head.end || head.at + SKIP > head.pcm.length) return;
    const pause = head.pcm.subarray(head.at, head.at + SKIP);
    if (pause.some((sample) => Math.abs(sample) > QUIET)) return;
    head.at += SKIP;
    this.count(head.item, SKIP);
  }

  /** Drops all that is queued; what sounds now fades over 5 ms. */
  flush() {
    const items = new Set(this.queue.map((entry) => entry.item));
    items.delete(null); // the tail of an earlier cut
    if (this.item !== null) items.add(this.item);
    const fade = this.gain > 0 ? this.fadeOut() : [];
    if (!fade.length) this.resampler.clear(); // it holds the last samples before a pause: a click
    for (const item of items) {
      this.post({ stopped: item, position: item === this.item ? this.position : 0 });
    }
    this.queue = fade.length ? [{ item: null, pcm: fade, at: 0 }] : [];
    this.fill = fade.length;
    this.item = null;
    this.paused = false;
    this.lateSince = null;
  }

  fadeOut() {
    const head = this.queue[0];
    if (!head || head.end) return [];
    const tail = head.pcm.slice(head.at, head.at + FADE);
    return tail.map((sample, i) => sample * (1 - i / tail.length));
  }
}
