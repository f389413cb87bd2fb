/** The agent's voice: feeds a playout worklet and says how far each item was heard. */
import { StreamVoice } from "./stream-voice.js";

const REPORT_EVERY_MS = 100;
const SAMPLES_PER_MS = 24;

export class Speaker {
  /**
   * context: from prepareAudio(). onPlayed(item, milliseconds), every 100 ms and at the item's end
   * or stop. onStart(item): its first sample sounds. onSilence(): nothing is left to play.
   * onLevel(RMS 0..1).
   */
  constructor(context, { onPlayed, onStart, onSilence, onLevel }) {
    Object.assign(this, { onPlayed, onStart, onSilence, onLevel });
    this.context = context;
    this.counters = { played: 0, peak: 0, underruns: 0, lateMs: 0 };
    this.open = new Set(); // items with audio still to play
    this.cut = new Set(); // items stopped: what arrives late for them is not played
    this.heard = null; // {item, milliseconds} of the one that sounds
    this.reportedAt = 0;
    this.stream = null; // the voice that comes by itself, if it does
    this.node = new AudioWorkletNode(context, "overture-playout", {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.node.port.onmessage = this.ear();
    this.node.connect(context.destination);
  }

  /** From the worklet to the ear, in milliseconds; browsers that do not know say 0. */
  get outputLatency() {
    return 1000 * (this.context.outputLatency || 0);
  }

  get isPlaying() {
    return this.open.size > 0;
  }

  /** stream: a MediaStream that carries the voice from now on; null: it is given to `play`. */
  listenTo(stream) {
    this.silence();
    this.stream?.close();
    this.stream = stream && new StreamVoice(this.context, stream, this.ear());
  }

  /** Nothing of what was begun goes on, and nobody is told how far it came. */
  silence() {
    if (!this.isPlaying) return;
    this.flush();
    this.open.clear();
    this.heard = null;
    this.onLevel(0);
    this.onSilence();
  }

  order(message, handedOver = []) {
    (this.stream ?? this.node).port.postMessage(message, handedOver);
  }

  /** pcm: Int16Array at 24 kHz, handed over. */
  play(item, pcm) {
    if (this.cut.has(item)) return;
    this.open.add(item);
    this.order({ play: item, pcm: pcm.buffer }, [pcm.buffer]);
  }

  /** The stream is about to carry this item. */
  begin(item) {
    if (this.cut.has(item) || this.open.has(item)) return;
    this.open.add(item);
    this.order({ begin: item });
  }

  /** No more audio will come for this item. */
  end(item) {
    if (this.open.has(item)) this.order({ end: item });
  }

  /** Silent at once; nothing of what was queued or is on its way is played later. */
  flush() {
    for (const item of this.open) this.cut.add(item);
    this.order({ flush: true });
  }

  /** Stops an item even if none of its audio has come yet. */
  stop(item) {
    if (this.open.has(item)) this.flush();
    this.cut.add(item);
  }

  /** Silent at once; what is queued or on its way stays, for `resume`. */
  pause() {
    this.order({ pause: true });
  }

  resume() {
    this.order({ pause: false });
  }

  /** What hears one worklet's reports; each counts from its own beginning. */
  ear() {
    const counted = { played: 0, underruns: 0, lateMs: 0 };
    return ({ data: report }) => {
      const over = report.ended ?? report.stopped;
      if (over) return this.finish(over, report.position);
      this.count(report, counted);
      this.progress(report);
    };
  }

  count(report, counted) {
    for (const name of Object.keys(counted)) {
      this.counters[name] += report[name] - counted[name];
      counted[name] = report[name];
    }
    this.counters.peak = Math.max(this.counters.peak, report.peak);
  }

  progress({ item, position, level }) {
    this.onLevel(level);
    if (item === null || position === 0) return;
    const begins = item !== this.heard?.item;
    this.heard = { item, milliseconds: Math.floor(position / SAMPLES_PER_MS) };
    if (begins) this.onStart(item);
    const now = performance.now();
    if (now - this.reportedAt < REPORT_EVERY_MS) return;
    this.reportedAt = now;
    this.onPlayed(item, this.heard.milliseconds);
  }

  finish(item, position) {
    if (!this.open.delete(item)) return; // abandoned before
    if (item === this.heard?.item) this.heard = null;
    this.onPlayed(item, Math.floor(position / SAMPLES_PER_MS));
    if (!this.isPlaying) {
      this.onLevel(0);
      this.onSilence();
    }
  }
}
