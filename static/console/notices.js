/** What is wrong, or was done, above every room: one of each at a time. */
import { button, el } from "./dom.js";

const TITLES = {
  gone: "The server does not answer",
  missing: "That is not there (any more)",
  wrong: "The server did not take that",
  unavailable: "The server cannot do that now",
  failed: "Something went wrong in the server",
};
const TODO = {
  gone: "It may be starting anew, or the network is away. The console goes on by itself when it is back.",
  missing: "It may have been withdrawn, or the address is mistyped. Go back to the list.",
  wrong: "",
  unavailable: "Redis or the bus may be away. Nothing is spoken unclaimed meanwhile; try again in a moment.",
  failed: "The server's log says more. Try again; if it stays, look there.",
};

export class Notices {
  /** onKey(error): a key is asked for. announce(text): to screen readers. */
  constructor(box, { onKey, announce }) {
    Object.assign(this, { box, onKey, announce });
    this.troubles = el("div", { role: "alert" });
    this.done = el("div", { role: "status" });
    this.standing = el("div", { role: "status" });
    box.append(this.standing, this.troubles, this.done);
  }

  /** error: an ApiError; anything else is a mistake of ours and thrown on. retry(): what a button
   * tries again. */
  fail(error, retry = null) {
    if (error.name !== "ApiError") throw error;
    if (error.kind === "key" || error.kind === "forbidden") return this.onKey(error);
    const same = `${error.kind} ${error.message}`;
    if (same === this.shown && this.troubles.hasChildNodes()) return; // said once is enough
    this.kind = error.kind;
    this.shown = same;
    const text = error.kind === "gone" ? "" : error.message;
    const again = retry && button("Try again", () => (this.clear(), retry()));
    this.troubles.replaceChildren(
      el(
        "div",
        { class: "trouble" },
        el("h2", {}, TITLES[error.kind]),
        text && el("p", {}, text),
        TODO[error.kind] && el("p", {}, TODO[error.kind]),
        again,
      ),
    );
  }

  /** For a room: what it tells after it was left is not told. place: the room's element. */
  of(place) {
    const told = (tell) => (...words) => (place.isConnected ? tell(...words) : undefined);
    return {
      fail: told((...words) => this.fail(...words)),
      tell: told((...words) => this.tell(...words)),
      clear: told((...words) => this.clear(...words)),
    };
  }

  /** Something was done. more: elements after the words, such as a link. */
  tell(words, ...more) {
    this.troubles.replaceChildren();
    const shut = button("×", () => this.done.replaceChildren(), { class: "shut", "aria-label": "Dismiss" });
    this.done.replaceChildren(el("div", { class: "told" }, el("p", {}, words, ...more), shut));
  }

  /** kinds: takes it away if it is one of these; without, whatever it is. */
  clear(...kinds) {
    if (!kinds.length || kinds.includes(this.kind)) {
      this.troubles.replaceChildren();
      this.kind = null;
    }
    if (!kinds.length) this.done.replaceChildren();
  }

  /** What the server says is out of order while it goes on: words, [] for nothing. */
  degraded(words) {
    if (this.said === words.join("\n")) return;
    this.said = words.join("\n");
    const lines = words.map((each) => el("p", {}, each));
    this.standing.replaceChildren(...(lines.length ? [el("div", { class: "degraded" }, lines)] : []));
  }
}
