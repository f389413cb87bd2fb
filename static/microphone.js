/** The person's microphone: a track for WebRTC, and frames of 24 kHz PCM16 for a WebSocket. */

const WISHES = {
  channelCount: 1,
  echoCancellation: true, // else the agent would hear itself, and interrupt itself
  noiseSuppression: true,
  autoGainControl: true,
};

export class Microphone {
  /**
   * context: from prepareAudio(). onFrame(Int16Array of 480 samples), 50 a second unless muted.
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

  /** The MediaStreamTrack, null when closed. */
  get track() {
    return this.stream?.getAudioTracks()[0] ?? null;
  }

  /** Asks for permission if need be. Throws getUserMedia's DOMException (see troubles.js). */
  async open() {
    this.stream = await navigator.mediaDevices.getUserMedia({ audio: WISHES });
    this.track.addEventListener("ended", () => this.lose());
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

  /** A muted microphone sends nothing, or silence; the server ends a turn left open. */
  mute(muted) {
    this.muted = muted;
    if (this.isOpen) this.track.enabled = !muted;
  }

  /** Lets go of the device: the browser's recording sign goes off. */
  close() {
    if (!this.isOpen) return;
    this.track.stop();
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

/** Whether the microphone may be opened without asking; false where the browser does not say. */
export async function watchPermission(onChange) {
  try {
    const status = await navigator.permissions.query({ name: "microphone" });
    status.addEventListener("change", () => onChange(status.state === "granted"));
    onChange(status.state === "granted");
  } catch {
    onChange(false); // older Safari and Firefox know no such permission
  }
}
