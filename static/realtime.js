/**
 * A client of the OpenAI Realtime protocol (GA), with our `overture.*` extras, that stays.
 *
 * Over WebRTC, or over a WebSocket where that does not get through or is not wished for. Comes back
 * by itself when the connection is lost, and goes on with the same session.
 */
import { canPlayAudio } from "./audio.js";
import { Retries } from "./retries.js";
import { Watch } from "./watch.js";
import { PeerTransport } from "./webrtc-transport.js";
import { SocketTransport } from "./websocket-transport.js";

const SESSION = {
  type: "realtime",
  output_modalities: [canPlayAudio() ? "audio" : "text"],
  audio: {
    input: { format: { type: "audio/pcm", rate: 24000 }, turn_detection: { type: "server_vad" } },
    output: { format: { type: "audio/pcm", rate: 24000 } },
  },
};
export const TRUNCATING = "what_was_heard"; // event_id of how much of an answer was heard
const ASKING = "still_there"; // event_id of a question that only wants an answer
const WORTH_COUNTING_MS = 1500; // a shorter wait is over before it is read

export class RealtimeClient {
  /**
   * who: {model, user}. onEvent(event): each server event. onStream(MediaStream or null): the
   * agent's voice, if it does not come in events. onLink(state, detail): "connecting" with {kind},
   * "open" with {kind, fresh: a new session}, "off", or "waiting" with {reason: "gone" | "full" |
   * "refused", message, seconds: null when the next try is close}.
   */
  constructor(who, { onEvent, onLink, onStream }) {
    Object.assign(this, { who, onEvent, onLink, onStream });
    this.wish = "webrtc";
    this.blocked = false; // WebRTC did not get through: not tried again until it is wished for
    this.session = null; // to go on with after a lost connection
    this.token = null; // that proves the session to be ours
    this.played = null; // [item, milliseconds] of the agent's latest audio
    this.item = null; // the latest of the conversation: asked for to see whether anybody is there
    this.transport = null;
    this.isOpen = false;
    this.countdown = null;
    this.microphone = null;
    this.timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    this.iceServers = []; // as RTCPeerConnection takes them
    this.retries = new Retries();
    this.watch = new Watch({
      ask: () => this.ask(),
      onDead: () => this.transport.fail("gone"),
    });
    this.noticeTheNetwork();
  }

  noticeTheNetwork() {
    window.addEventListener("online", () => this.hurry());
    window.addEventListener("offline", () => this.watch.doubt());
    navigator.connection?.addEventListener?.("change", () => this.watch.doubt());
    document.addEventListener("visibilitychange", () => document.hidden || this.hurry());
  }

  /** What carries the talk, or would: "webrtc" or "websocket". */
  get kind() {
    if (this.transport) return this.transport.constructor.kind;
    return this.wish === "webrtc" && PeerTransport.isPossible && !this.blocked
      ? "webrtc"
      : "websocket";
  }

  /** Connects, or tries at once if it was waiting for the next try. */
  connect() {
    if (this.transport) return;
    clearTimeout(this.countdown);
    this.countdown = null;
    const kind = this.kind;
    this.onLink("connecting", { kind });
    this.transport = kind === "webrtc" ? this.openPeer() : this.openSocket();
  }

  openSocket() {
    const transport = new SocketTransport(this.address("v1/realtime"), this.handlers());
    this.onStream(null);
    return transport;
  }

  openPeer() {
    const { microphone, iceServers } = this;
    const handlers = { ...this.handlers(), onStream: this.onStream };
    const address = this.address("v1/realtime/calls");
    return new PeerTransport(address, handlers, { microphone, iceServers });
  }

  handlers() {
    return {
      onOpen: () => this.send({ type: "session.update", session: SESSION }),
      onEvent: (event) => this.receive(event),
      onClosed: (closing) => this.lost(closing),
    };
  }

  address(path) {
    const url = new URL(path, location.href);
    const { who, timeZone } = this;
    const where = timeZone && { time_zone: timeZone }; // quiet hours are the person's own
    url.search = new URLSearchParams({ ...who, ...where, ...this.place(), extras: "1" });
    return url;
  }

  /** Where a talk goes on that has begun before. */
  place() {
    if (this.session === null) return {};
    return {
      session: this.session,
      ...(this.token && { resume: this.token }),
      ...(this.played && { played: this.played.join(":") }),
    };
  }

  receive(event) {
    if (event.type === "error" && !this.isOpen) return; // refused: the close says the same
    if (event.type === "session.created") this.opened(event.session);
    else if (event.type === "overture.session") this.token = event.resume_token;
    else if (event.type === "conversation.item.added") this.item = event.item.id;
    else if (event.type === "conversation.item.deleted") this.item = null;
    else if (event.type === "error" && event.error.event_id === ASKING) this.item = null;
    if (event.error?.event_id !== ASKING) this.onEvent(event);
  }

  opened({ id }) {
    const fresh = this.session !== id;
    this.session = id;
    this.isOpen = true;
    this.retries.reset();
    this.watch.begin(this.transport);
    this.onLink("open", { kind: this.kind, fresh });
  }

  lost({ why, message }) {
    this.letGo();
    if (why === "unable") {
      this.blocked = true;
      return this.connect();
    }
    const milliseconds = this.retries.next(why !== "gone");
    if (milliseconds < WORTH_COUNTING_MS) {
      this.onLink("waiting", { reason: why, message, seconds: null });
      this.countdown = setTimeout(() => this.connect(), milliseconds);
    } else {
      this.wait(Math.round(milliseconds / 1000), why, message);
    }
  }

  wait(seconds, reason, message) {
    if (seconds === 0) return this.connect();
    this.onLink("waiting", { reason, message, seconds });
    this.countdown = setTimeout(() => this.wait(seconds - 1, reason, message), 1000);
  }

  /** The network may be back: does not wait for the next try, and does not trust a quiet line. */
  hurry() {
    if (this.countdown !== null) {
      this.retries.reset();
      this.connect();
    }
    this.watch.doubt();
  }

  letGo() {
    this.watch.end();
    clearTimeout(this.countdown);
    this.countdown = null;
    this.transport = null;
    this.isOpen = false;
  }

  /** Leaves, and stays away. */
  disconnect() {
    this.transport?.close();
    this.letGo();
    this.onLink("off");
  }

  /** kind: "webrtc", which still gives way to a WebSocket where it must, or "websocket". */
  prefer(kind) {
    this.wish = kind;
    this.blocked = false;
    if (this.transport === null || this.transport.constructor.kind === this.kindWished) return;
    this.transport.close();
    this.letGo();
    this.connect();
  }

  get kindWished() {
    return this.wish === "webrtc" && PeerTransport.isPossible ? "webrtc" : "websocket";
  }

  // What is said

  send(event) {
    this.transport?.send(event);
  }

  /** Something that changes nothing, and that a server answers if it is there. */
  ask() {
    const question =
      this.item === null
        ? { type: "session.update", session: { type: "realtime" } }
        : { type: "conversation.item.retrieve", item_id: this.item };
    this.send({ event_id: ASKING, ...question });
  }

  /** samples: Int16Array at 24 kHz. */
  hear(samples) {
    if (this.isOpen) this.transport.hear(samples);
  }

  /** track: a MediaStreamTrack, null when there is none (any more). */
  setMicrophone(track) {
    this.microphone = track;
    this.transport?.setMicrophone(track);
  }

  /** A typed turn. entries: [item id, text] pairs; the ids keep them from being said twice. */
  say(entries) {
    for (const [id, text] of entries) {
      const content = [{ type: "input_text", text }];
      const item = { id, type: "message", role: "user", content };
      this.send({ event_id: id, type: "conversation.item.create", item });
    }
    this.send({ type: "response.create" });
  }

  /** Has the agent begin: with nothing said yet, it greets. */
  invite() {
    this.send({ type: "response.create" });
  }

  /** Has the server tell what it keeps of an item: of a broken answer, what was heard. */
  retrieve(item) {
    this.send({ type: "conversation.item.retrieve", item_id: item });
  }

  cancelResponse() {
    this.send({ type: "response.cancel" });
  }

  truncate(item, playedMs) {
    this.send({
      event_id: TRUNCATING,
      type: "conversation.item.truncate",
      item_id: item,
      content_index: 0,
      audio_end_ms: playedMs,
    });
  }

  reportPlayout(item, playedMs) {
    this.played = [item, playedMs];
    this.send({ type: "overture.playout", item_id: item, content_index: 0, played_ms: playedMs });
  }
}
