/** Renders a Playout on the audio thread. Messages in and out are Playout's. */
import { Playout } from "./playout.js";

class PlayoutProcessor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.playout = new Playout(sampleRate, (message) => this.port.postMessage(message));
    this.port.onmessage = ({ data }) => this.playout.obey(data);
  }

  process(_, [[out]]) {
    this.playout.render(out);
    return true;
  }
}

registerProcessor("overture-playout", PlayoutProcessor);
