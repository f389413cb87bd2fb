/** What was typed and has not arrived yet. */

export class Typed {
  constructor() {
    this.waiting = new Map(); // item id -> {text, sent: over the connection that stands}
  }

  /** Keeps `text` until the server has it; returns the id of its item. */
  add(text) {
    const id = `typed_${[...crypto.getRandomValues(new Uint32Array(2))].join("_")}`;
    this.waiting.set(id, { text, sent: false });
    return id;
  }

  /** [id, text] pairs that are to be sent now. */
  take() {
    const unsent = [...this.waiting].filter(([, entry]) => !entry.sent);
    for (const [, entry] of unsent) entry.sent = true;
    return unsent.map(([id, { text }]) => [id, text]);
  }

  /** The connection is gone: what was sent over it may not have arrived. */
  lost() {
    for (const entry of this.waiting.values()) entry.sent = false;
  }

  /** The server has it. False if it was none of these. */
  arrived(id) {
    return this.waiting.delete(id);
  }
}
