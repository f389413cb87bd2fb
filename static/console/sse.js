/** Server-sent events by fetch: an EventSource could not present a key. */
import { keyHeaders } from "../key.js";
import { Retries } from "../retries.js";
import { LEFT, reached, refusal } from "./api.js";

/** Cuts a stream of text into events, however it was cut on its way. */
export class SseParser {
  constructor() {
    this.rest = "";
  }

  /** The `data` of each event that is complete now, parsed from JSON. */
  feed(text) {
    const parts = (this.rest + text).replaceAll("\r\n", "\n").split("\n\n");
    this.rest = parts.pop();
    return parts.map(dataOf).filter((data) => data !== "").map((data) => JSON.parse(data));
  }
}

function dataOf(event) {
  const lines = event.split("\n").filter((line) => line.startsWith("data:"));
  return lines.map((line) => line.slice(5).replace(/^ /, "")).join("\n");
}

const QUIET_MS = 25_000; // the server says something each 10 s
const PASSING = new Set(["gone", "unavailable", "failed"]); // worth trying again

/** Follows a stream until it is left, and comes back to it when it breaks. */
export class Follower {
  /**
   * onEvent(data); onLink("open" or "waiting", the ApiError if there is one); isOver(): nothing can
   * follow, so an end is no break.
   */
  constructor(address, { onEvent, onLink, isOver = () => false }) {
    Object.assign(this, { address, onEvent, onLink, isOver });
    this.leaving = new AbortController();
    this.retries = new Retries();
    this.run();
  }

  leave() {
    clearTimeout(this.pause);
    this.leaving.abort(LEFT);
  }

  async run() {
    try {
      await this.read();
      if (!this.isOver()) this.wait(null);
    } catch (error) {
      if (this.leaving.signal.aborted) return;
      if (error.name !== "ApiError") throw error;
      this.wait(error);
    }
  }

  wait(error) {
    if (this.leaving.signal.aborted) return;
    this.onLink("waiting", error);
    if (error && !PASSING.has(error.kind)) return;
    this.pause = setTimeout(() => this.run(), this.retries.next(true));
  }

  async read() {
    const headers = { ...keyHeaders, Accept: "text/event-stream" };
    const { signal } = this.leaving;
    const reply = await reached(this.address, { headers, signal, cache: "no-store" });
    if (!reply.ok) throw refusal(reply.status, await reply.json().catch(() => ({})));
    this.retries.reset();
    this.onLink("open");
    const parser = new SseParser();
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const silence = setTimeout(() => reader.cancel(), QUIET_MS); // a line can die without a word
      const piece = await reader.read().catch(() => ({ done: true })); // it broke: as if it had ended
      clearTimeout(silence);
      if (piece.done) return;
      for (const event of parser.feed(piece.value)) this.onEvent(event);
    }
  }
}
