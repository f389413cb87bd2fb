/** The person's microphone as frames of 24 kHz PCM16. */

export class Microphone {
  /**
   * context: from openAudio(). onFrame(Int16Array of 480 samples), 50 a second unless muted.
   * onLevel(RMS 0..1). onLost(): the device was unplugged or its permission withdrawn.
   */
  constructor(context, { onFrame, onLevel, onLost }) {
    this.context = context;
    this.onFrame = onFrame;
    this.onLevel = onLevel;
    this.onLost = onLost;
    this.stream = null;
    this.muted = false;
  }

  get isOpen() {
    return this.stream !== null;
  }

  /** Asks for permission if need be. Throws getUserMedia's DOMException (see troubles.js). */
  async open() {
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
    });
    this.stream.getAudioTracks()[0].addEventListener("ended", () => this.lose());
    this.source = this.context.createMediaStreamSource(this.stream);
    this.capture = new AudioWorkletNode(this.context, "overture-capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.capture.port.onmessage = ({ data }) => this.hear(data);
    this.source.connect(this.capture);
  }

  hear({ pcm, level }) {
    if (!this.isOpen) return;
    this.onLevel(this.muted ? 0 : level);
    if (!this.muted) this.onFrame(new Int16Array(pcm));
  }

  /** A muted microphone sends nothing; the server ends a turn left open. */
  mute(muted) {
    this.muted = muted;
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !muted;
  }

  /** Lets go of the device: the browser's recording sign goes off. */
  close() {
    if (!this.isOpen) return;
    for (const track of this.stream.getTracks()) track.stop();
    this.source.disconnect();
    this.capture.port.onmessage = null;
    this.stream = null;
    this.muted = false;
    this.onLevel(0);
  }

  lose() {
    if (!this.isOpen) return;
    this.close();
    this.onLost();
  }
}
