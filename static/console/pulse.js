/** Asks the server each few seconds how it is: the switch, the bus, whether it is there at all. */
import { get, path } from "./api.js";

const EVERY_MS = 2000;

export class Pulse {
  /** onSwitch(state), onDegraded(words), onBack(), onFail(error). */
  constructor(handlers) {
    Object.assign(this, handlers);
    this.lost = false;
    this.timer = null;
    document.addEventListener("visibilitychange", () => document.hidden || this.beat());
    window.addEventListener("online", () => this.beat());
  }

  /** Asks now, and from then on. */
  async beat() {
    clearTimeout(this.timer);
    try {
      this.onSwitch(await get(path("outreach", "switch")));
      this.onDegraded(await troubles());
      if (this.lost) this.onBack();
      this.lost = false;
    } catch (error) {
      if (error.kind === "key" || error.kind === "forbidden") return this.onFail(error);
      this.lost = true;
      this.onFail(error);
    }
    clearTimeout(this.timer);
    if (!document.hidden) this.timer = setTimeout(() => this.beat(), EVERY_MS);
  }
}

/** What does not work although the server does. /readyz answers 503 with a reason when it takes no
 * sessions, which is no failure of the question. */
async function troubles() {
  const reply = await fetch("readyz", { cache: "no-store" }).catch(() => null);
  const told = (await reply?.json().catch(() => null)) ?? {};
  return [told.reason, ...(told.degraded ?? [])].filter(Boolean).map(String);
}
