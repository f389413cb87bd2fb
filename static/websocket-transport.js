/** The Realtime protocol over a WebSocket: events and audio in one stream of JSON. */
import { keyProtocols } from "./key.js";
import { toBase64 } from "./pcm.js";

const CONNECT_TIMEOUT_MS = 5000;
const MOST_WAITING_BYTES = 128_000; // 2 s of base64 audio: beyond it the words would come too late
const FULL = 1013; // "try again later"
const REFUSED = 1008; // policy: a wrong key, origin or user

export class SocketTransport {
  static kind = "websocket";

  /** Its silence says little: a server with nothing to say sends nothing. See watch.js. */
  static patience = { quietMs: 10_000, answerMs: 3000 };

  /**
   * url: of the realtime endpoint, http or https. onOpen(): events can be sent. onEvent(event).
   * onClosed({why, message}): for good; why is "gone", "full" or "refused".
   */
  constructor(url, { onOpen, onEvent, onClosed }) {
    this.onClosed = onClosed;
    this.heardAt = performance.now();
    this.socket = new WebSocket(webSocketAddress(url), keyProtocols);
    this.deadline = setTimeout(() => this.fail("gone"), CONNECT_TIMEOUT_MS);
    this.socket.onopen = onOpen;
    this.socket.onmessage = ({ data }) => {
      clearTimeout(this.deadline); // it is the server's first word that counts
      this.heardAt = performance.now();
      onEvent(JSON.parse(data));
    };
    this.socket.onclose = ({ code, reason }) => this.fail(whyClosed(code), reason);
  }

  /** When anything came last, on performance.now()'s clock. */
  get lastHeard() {
    return this.heardAt;
  }

  send(event) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(event));
  }

  /** samples: Int16Array at 24 kHz. Dropped when the network cannot carry them in time. */
  hear(samples) {
    if (this.socket.bufferedAmount > MOST_WAITING_BYTES) return;
    this.send({ type: "input_audio_buffer.append", audio: toBase64(samples) });
  }

  /** The microphone's track is of no use here: its samples come through `hear`. */
  setMicrophone() {}

  close() {
    this.leave();
    this.socket.close(1000);
  }

  fail(why, message = "") {
    this.leave();
    this.socket.close();
    this.onClosed({ why, message });
  }

  leave() {
    clearTimeout(this.deadline);
    Object.assign(this.socket, { onopen: null, onmessage: null, onclose: null });
  }
}

function whyClosed(code) {
  return { [FULL]: "full", [REFUSED]: "refused" }[code] ?? "gone";
}

function webSocketAddress(url) {
  const address = new URL(url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return address;
}
