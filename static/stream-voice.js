/** A remote track on its way to the loudspeaker, through the stream worklet. */

export class StreamVoice {
  /** context: from prepareAudio(). onMessage({data}): StreamPlayout's messages. */
  constructor(context, stream, onMessage) {
    // Chromium gives a remote track to WebAudio only while a media element plays it, muted or not.
    this.element = new Audio();
    this.element.muted = true;
    this.element.srcObject = stream;
    this.element.play().catch(() => {}); // taken away before it began
    this.source = context.createMediaStreamSource(stream);
    this.node = new AudioWorkletNode(context, "overture-stream", {
      outputChannelCount: [1],
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.port = this.node.port;
    this.port.onmessage = onMessage;
    this.source.connect(this.node).connect(context.destination);
  }

  close() {
    this.port.postMessage({ close: true });
    this.port.onmessage = null;
    this.source.disconnect();
    this.node.disconnect();
    this.element.srcObject = null;
  }
}
