/** Cards of what the agent says of its own accord: what, why, and how to have no more of it. */

const MOST = 3; // more would push the conversation away; the oldest goes

export class OutreachCards {
  /**
   * box: what they stand in. onStop(id): the person wants no more of these; false if nobody could
   * be told. onShown(id): one that is only read has come before the person's eyes.
   * announce(text): to screen readers.
   */
  constructor(box, { onStop, onShown, announce }) {
    Object.assign(this, { box, onStop, onShown, announce });
    this.cards = new Map(); // outreach id -> {card, note, stop}
    this.unseen = new Set(); // ids to acknowledge once the tab is looked at
    document.addEventListener("visibilitychange", () => document.hidden || this.seen());
  }

  /** isSilent: nothing is heard from this page. */
  show({ outreach_id: id, text, reason, spoken_here: here }, isSilent) {
    this.drop(id);
    this.cards.set(id, this.build(id, text, reason, here || isSilent ? "" : "Heard in another tab"));
    if (this.cards.size > MOST) this.drop(this.cards.keys().next().value);
    if (isSilent || !here) this.announce(text); // otherwise it is heard
    if (here && isSilent) this.unseen.add(id);
    if (!document.hidden) this.seen();
  }

  seen() {
    for (const id of this.unseen) this.onShown(id);
    this.unseen.clear();
  }

  build(id, text, reason, where) {
    const card = element("section", "card", "");
    card.setAttribute("aria-label", "The agent speaks first");
    const note = element("p", "note", where);
    const stop = button("pill", "Stop these", () => this.stop(id));
    const shut = button("shut", "×", () => this.dismiss(id));
    shut.setAttribute("aria-label", "Dismiss");
    const said = element("p", "said", text);
    const why = element("p", "why", reason ? `Why: ${reason}` : "");
    card.append(said, shut, why, note, stop);
    this.box.append(card);
    return { card, note, stop };
  }

  stop(id) {
    const { note, stop } = this.cards.get(id);
    if (!this.onStop(id)) {
      note.textContent = "Not connected. Try again when the talk is back.";
      return;
    }
    stop.disabled = true;
    note.textContent = "No more of these.";
    this.announce(note.textContent);
  }

  dismiss(id) {
    this.drop(id);
    (this.box.querySelector(".shut") ?? document.getElementById("say")).focus();
  }

  /** It was withdrawn, or the person wants no more of its kind: nothing to read or press any more. */
  gone(id) {
    const focused = this.cards.get(id)?.card.contains(document.activeElement);
    if (focused) this.dismiss(id);
    else this.drop(id);
  }

  drop(id) {
    this.cards.get(id)?.card.remove();
    this.cards.delete(id);
    this.unseen.delete(id);
  }
}

function button(className, words, press) {
  const made = element("button", className, words);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
