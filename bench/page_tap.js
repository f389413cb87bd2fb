/**
 * Runs before the talk page's own scripts and listens in on its sound: what goes to the loudspeaker
 * and what comes from the microphone, as loudest samples of each render quantum. No event of the
 * page or of the server is looked at.
 *
 * window.tap = { clickedAt: ms since 1970, quanta: [[ms since 1970, frame, output, microphone]] }
 */
(() => {
  const tap = (window.tap = { clickedAt: null, quanta: [], rate: null });
  const worklet = `
    class Tap extends AudioWorkletProcessor {
      constructor() { super(); this.batch = []; }
      process([output, microphone]) {
        this.batch.push([Date.now(), currentFrame, peak(output), peak(microphone)]);
        if (this.batch.length === 8) { this.port.postMessage(this.batch); this.batch = []; }
        return true;
      }
    }
    function peak([samples]) {
      let most = 0;
      if (samples) for (const x of samples) most = Math.max(most, Math.abs(x));
      return most;
    }
    registerProcessor("bench-tap", Tap);`;
  const address = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
  const connect = AudioNode.prototype.connect;
  const waiting = []; // [node, input] connected before the tap was there
  let node = null;
  let context = null;

  function listen(source, input) {
    if (node) connect.call(source, node, 0, input);
    else waiting.push([source, input]);
  }

  AudioNode.prototype.connect = function (target, ...rest) {
    if (target instanceof AudioDestinationNode) listen(this, 0);
    return connect.call(this, target, ...rest);
  };

  window.AudioContext = class extends AudioContext {
    constructor(...options) {
      super(...options);
      context = this;
      tap.rate = this.sampleRate;
      this.audioWorklet.addModule(address).then(() => {
        node = new AudioWorkletNode(this, "bench-tap", { numberOfInputs: 2, numberOfOutputs: 0 });
        node.port.onmessage = ({ data }) => tap.quanta.push(...data);
        for (const [source, input] of waiting.splice(0)) listen(source, input);
      });
    }
  };

  const devices = navigator.mediaDevices;
  const getUserMedia = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wishes) => {
    const stream = await getUserMedia(wishes);
    listen(context.createMediaStreamSource(stream), 1);
    return stream;
  };

  addEventListener("click", () => (tap.clickedAt ??= Date.now()), { capture: true });
})();
