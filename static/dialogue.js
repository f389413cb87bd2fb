/** What the server says of words: who says what, in which item, and which answer is being made. */

export class Dialogue {
  /**
   * view: a ConversationView. typed: what was typed and has not arrived. spoken: the SpokenItems.
   * heardPerson(text): the person's words are complete.
   */
  constructor({ view, typed, spoken, heardPerson }) {
    Object.assign(this, { view, typed, spoken, heardPerson });
    this.items = 0;
    this.response = null; // id of the one being made
    this.speaksFirst = new Set(); // ids of responses that nobody asked for
    this.broken = null; // the item of an answer that broke off and goes on now
    this.interim = null; // the item of words that are not a turn yet
  }

  itemAdded(item) {
    this.items += 1;
    if (item.role !== "user") return;
    if (item.id === this.interim) this.interim = null;
    this.typed.arrived(item.id);
    const typed = item.content?.find((part) => part.type === "input_text")?.text;
    this.view.person(item.id);
    if (typed !== undefined) this.personSaid(item.id, typed);
  }

  /** What it sounds like so far; replaces what was said to be heard before. */
  personSays(item, text) {
    this.interim = item;
    this.view.person(item);
    this.view.replace(item, text);
  }

  personSaid(item, text) {
    if (!text.trim()) return this.view.remove(item);
    this.view.person(item);
    this.view.replace(item, text);
    this.view.settle(item);
    this.heardPerson(text);
  }

  /** What was heard was no turn after all. */
  noTurn() {
    if (this.interim === null) return;
    this.view.remove(this.interim);
    this.interim = null;
  }

  responseBegins({ id, metadata }, retrieve) {
    this.response = id;
    if (metadata?.outreach_id) this.speaksFirst.add(id);
    this.broken = metadata?.continues ?? null;
    if (this.broken) retrieve(this.broken);
  }

  /** Of an answer that broke off with the connection, only what was heard stays. */
  keptOf({ id, content }) {
    const words = content?.find((part) => part.transcript !== undefined)?.transcript;
    if (id === this.broken && words !== undefined) this.view.heard(id, words);
  }

  agentBegins(response, item) {
    this.view.agent(item, this.speaksFirst.has(response));
    this.spoken.itemAdded(response, item);
  }

  agentSaid(item, text) {
    this.view.agent(item);
    this.view.append(item, text);
  }

  responseOver({ id, status, status_details: details }) {
    if (id === this.response) this.response = null;
    this.speaksFirst.delete(id);
    this.spoken.responseOver(id);
    if (status === "failed") this.view.direction(details?.error?.message ?? "The answer failed.");
  }

  /** The connection is not there: no answer is being made any more. */
  breakOff() {
    this.spoken.clear();
    this.view.breakOff();
    this.response = null;
  }
}
