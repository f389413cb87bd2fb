/** The Realtime protocol over WebRTC: audio as media tracks, events on a data channel. */
import { keyHeaders } from "./key.js";

const CHANNEL = "oai-events";
const CONNECT_TIMEOUT_MS = 4000; // a network that lets no UDP through never says so
const CANDIDATE_TIMEOUT_MS = 500;

export class PeerTransport {
  static kind = "webrtc";

  /** A peer that was killed sends no farewell, and the browser takes 5 s to notice. See watch.js. */
  static patience = { quietMs: 800, answerMs: 1300 };

  static get isPossible() {
    return "RTCPeerConnection" in window;
  }

  /**
   * url: of the endpoint for calls. onOpen(): events can be sent. onEvent(event).
   * onStream(MediaStream): the agent's voice. onClosed({why, message}): for good; why is "gone",
   * "full", "refused", or "unable": WebRTC does not get through here, another way may.
   * microphone: a MediaStreamTrack or null; iceServers: as RTCPeerConnection takes them.
   */
  constructor(url, { onOpen, onEvent, onStream, onClosed }, { microphone, iceServers = [] }) {
    Object.assign(this, { url, onOpen, onEvent, onStream, onClosed });
    this.heardAt = performance.now();
    this.aborting = new AbortController();
    this.deadline = setTimeout(() => this.fail("unable"), CONNECT_TIMEOUT_MS);
    this.peer = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.line = this.peer.addTransceiver("audio", { direction: "sendrecv" });
    this.setMicrophone(microphone);
    this.peer.ontrack = ({ track }) => this.onStream(new MediaStream([track]));
    this.peer.onconnectionstatechange = () => this.stateChanged();
    this.openChannel();
    this.call().catch((error) => this.callFailed(error));
  }

  openChannel() {
    this.channel = this.peer.createDataChannel(CHANNEL);
    this.channel.onopen = () => {
      clearTimeout(this.deadline);
      this.heardAt = performance.now();
      this.onOpen();
    };
    this.channel.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      this.onEvent(JSON.parse(data));
    };
    this.channel.onclose = () => this.fail("gone");
  }

  /** Offer and answer. The offer goes out with the first address found, not with all of them. */
  async call() {
    await this.peer.setLocalDescription();
    await firstCandidate(this.peer);
    const answer = await fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/sdp", ...keyHeaders },
      body: this.peer.localDescription.sdp,
      signal: this.aborting.signal,
    });
    const body = await answer.text();
    if (!answer.ok) return this.fail(whyRefused(answer.status), messageIn(body));
    await this.peer.setRemoteDescription({ type: "answer", sdp: body });
  }

  callFailed(error) {
    if (this.closed) return;
    // fetch throws a TypeError when nobody answers; all else is about WebRTC itself.
    this.fail(error instanceof TypeError ? "gone" : "unable");
  }

  stateChanged() {
    if (this.peer.connectionState !== "failed") return;
    this.fail(this.channel.readyState === "open" ? "gone" : "unable");
  }

  /** When media or an event came last, on performance.now()'s clock. */
  get lastHeard() {
    const [source] = this.line.receiver.getSynchronizationSources();
    return Math.max(this.heardAt, source ? sincePageLoad(source.timestamp) : 0);
  }

  send(event) {
    if (this.channel.readyState === "open") this.channel.send(JSON.stringify(event));
  }

  /** The track carries the sound. */
  hear() {}

  /** track: null when there is none (any more). */
  setMicrophone(track) {
    this.line.sender.replaceTrack(track).catch(() => {}); // it was closed meanwhile
  }

  close() {
    this.closed = true;
    clearTimeout(this.deadline);
    this.aborting.abort();
    this.channel.onopen = this.channel.onmessage = this.channel.onclose = null;
    this.peer.ontrack = this.peer.onconnectionstatechange = null;
    this.peer.close();
  }

  fail(why, message = "") {
    if (this.closed) return;
    this.close();
    this.onClosed({ why, message });
  }
}

/** Resolves at the first UDP address, the end of gathering, or half a second. */
function firstCandidate(peer) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CANDIDATE_TIMEOUT_MS);
    peer.onicecandidate = ({ candidate }) => {
      if (candidate && candidate.protocol !== "udp") return;
      clearTimeout(timer);
      peer.onicecandidate = null;
      resolve();
    };
  });
}

/** Browsers differ in what these timestamps count from: 1970, or the page's load. */
function sincePageLoad(timestamp) {
  return timestamp > performance.timeOrigin ? timestamp - performance.timeOrigin : timestamp;
}

function whyRefused(status) {
  if (status === 401 || status === 403) return "refused";
  if (status === 429 || status === 503) return "full";
  return status < 500 || status === 501 ? "unable" : "gone";
}

/** The words of an error answer, "" if there are none. */
function messageIn(body) {
  try {
    return JSON.parse(body).error?.message ?? "";
  } catch {
    return "";
  }
}
