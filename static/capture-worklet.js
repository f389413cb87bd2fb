/**
 * Microphone samples at the context's rate in, frames of 20 ms of 24 kHz PCM16 out.
 *
 * Posts {pcm: ArrayBuffer of 480 little-endian int16, level: RMS 0..1}.
 */
import { Resampler } from "./resampler.js";

const RATE = 24000;
const FRAME = RATE / 50;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.resampler = new Resampler(sampleRate, RATE);
    this.startFrame();
  }

  startFrame() {
    this.frame = new Int16Array(FRAME);
    this.filled = 0;
    this.energy = 0;
  }

  process([channels]) {
    const samples = channels[0];
    if (!samples) return true; // the source has not started yet
    for (let i = 0; i < samples.length; i++) {
      this.resampler.feed(samples[i]);
      while (this.resampler.ready) this.keep(this.resampler.take());
    }
    return true;
  }

  keep(sample) {
    this.energy += sample * sample;
    this.frame[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
    if (this.filled === FRAME) {
      const level = Math.sqrt(this.energy / FRAME);
      this.port.postMessage({ pcm: this.frame.buffer, level }, [this.frame.buffer]);
      this.startFrame();
    }
  }
}

registerProcessor("overture-capture", Capture);
