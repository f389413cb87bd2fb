/**
 * Which item sounds when, over WebRTC: there the server tells of responses whose audio starts and
 * stops, in whatever order with their items, and the page counts by item.
 */

export class SpokenItems {
  /** onBegin(item): its audio is on its way. onEnd(item): all of it was sent. */
  constructor({ onBegin, onEnd }) {
    this.onBegin = onBegin;
    this.onEnd = onEnd;
    this.items = new Map(); // response id -> item id
    this.started = new Set(); // response ids
  }

  itemAdded(response, item) {
    this.items.set(response, item);
    if (this.started.has(response)) this.onBegin(item);
  }

  audioStarted(response) {
    this.started.add(response);
    if (this.items.has(response)) this.onBegin(this.items.get(response));
  }

  audioStopped(response) {
    const item = this.items.get(response);
    this.forget(response);
    if (item !== undefined) this.onEnd(item);
  }

  /** Of a response that never sounded nothing more is to come. */
  responseOver(response) {
    if (!this.started.has(response)) this.forget(response);
  }

  forget(response) {
    this.items.delete(response);
    this.started.delete(response);
  }

  clear() {
    this.items.clear();
    this.started.clear();
  }
}
