/**
 * A client of the OpenAI Realtime protocol (GA) over WebSocket, with our `overture.*` extras.
 *
 * Comes back by itself when the connection drops, waiting 1, 2, 4 and then 8 seconds, and goes
 * on with the same session.
 */
import { toBase64 } from "./pcm.js";

const BACKOFF_S = [1, 2, 4, 8];
const CONNECT_TIMEOUT_MS = 8000;
const MOST_WAITING_BYTES = 128_000; // 2 s of base64 audio: beyond it the words would come too late
const FULL = 1013; // "try again later"
const REFUSED = 1008; // policy: a wrong key, origin or user

const SESSION = {
  type: "realtime",
  output_modalities: ["audio"],
  audio: {
    input: { format: { type: "audio/pcm", rate: 24000 }, turn_detection: { type: "server_vad" } },
    output: { format: { type: "audio/pcm", rate: 24000 } },
  },
};

export class RealtimeClient {
  /**
   * onEvent(event): each server event. onLink(state, detail): "connecting", "open", "off", or
   * "waiting" with {reason: "gone" | "full" | "refused", message, seconds}.
   */
  constructor(url, { onEvent, onLink }) {
    this.url = url;
    this.onEvent = onEvent;
    this.onLink = onLink;
    this.socket = null;
    this.attempts = 0;
    this.countdown = null;
    this.deadline = null; // for the server's first word
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Connects, or tries at once if it was waiting for the next try. */
  connect() {
    if (this.socket) return;
    clearTimeout(this.countdown);
    this.onLink("connecting");
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.deadline = setTimeout(() => socket.close(), CONNECT_TIMEOUT_MS);
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onopen = () => this.send({ type: "session.update", session: SESSION });
    socket.onclose = (closing) => socket === this.socket && this.lost(closing);
  }

  receive(data) {
    const event = JSON.parse(data);
    if (event.type === "session.created") {
      clearTimeout(this.deadline);
      this.attempts = 0;
      this.url.searchParams.set("session", event.session.id); // to go on after a lost connection
      this.onLink("open");
    }
    this.onEvent(event);
  }

  lost({ code, reason }) {
    clearTimeout(this.deadline);
    this.socket = null;
    const seconds = BACKOFF_S[Math.min(this.attempts, BACKOFF_S.length - 1)];
    this.attempts += 1;
    const why = code === FULL ? "full" : code === REFUSED ? "refused" : "gone";
    this.wait(seconds, why, reason);
  }

  wait(seconds, reason, message) {
    if (seconds === 0) return this.connect();
    this.onLink("waiting", { reason, message, seconds });
    this.countdown = setTimeout(() => this.wait(seconds - 1, reason, message), 1000);
  }

  /** Leaves, and stays away. */
  disconnect() {
    clearTimeout(this.countdown);
    clearTimeout(this.deadline);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
    this.onLink("off");
  }

  send(event) {
    if (this.isOpen) this.socket.send(JSON.stringify(event));
  }

  /** samples: Int16Array at 24 kHz. Dropped when the network cannot carry them in time. */
  hear(samples) {
    if (!this.isOpen || this.socket.bufferedAmount > MOST_WAITING_BYTES) return;
    this.send({ type: "input_audio_buffer.append", audio: toBase64(samples) });
  }

  /** A typed turn. */
  say(text) {
    const content = [{ type: "input_text", text }];
    this.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
    this.send({ type: "response.create" });
  }

  cancelResponse() {
    this.send({ type: "response.cancel" });
  }

  truncate(item, playedMs) {
    this.send({
      type: "conversation.item.truncate",
      item_id: item,
      content_index: 0,
      audio_end_ms: playedMs,
    });
  }

  reportPlayout(item, playedMs) {
    this.send({ type: "overture.playout", item_id: item, content_index: 0, played_ms: playedMs });
  }
}

/** Where the page's server listens. user: who is talking; agent: the model's name. */
export function realtimeUrl(agent, user) {
  const url = new URL("v1/realtime", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = new URLSearchParams({ model: agent, user, extras: "1" });
  return url;
}
