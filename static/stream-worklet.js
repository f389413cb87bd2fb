/** Renders a StreamPlayout on the audio thread. Messages in and out are StreamPlayout's. */
import { StreamPlayout } from "./stream-playout.js";

class StreamProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.playout = new StreamPlayout(sampleRate, (message) => this.port.postMessage(message));
    this.over = false;
    this.port.onmessage = ({ data }) => {
      if (data.close) this.over = true;
      else this.playout.obey(data);
    };
  }

  process([[input]], [[out]]) {
    this.silence ??= new Float32Array(out.length);
    this.playout.render(input ?? this.silence, out); // there is no input before the stream begins
    return !this.over;
  }
}

registerProcessor("overture-stream", StreamProcessor);
