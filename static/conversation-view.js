/** The conversation as a script: who speaks, what was said, where it comes from. */

const WORTH_A_LINE_MS = 1500;

export class ConversationView {
  /** log: the element lines go into; scroller: the one that scrolls. */
  constructor(log, scroller) {
    this.log = log;
    this.scroller = scroller;
    this.lines = new Map(); // item id -> {line, words}
    this.agentName = "Agent";
  }

  get isEmpty() {
    return !this.log.hasChildNodes();
  }

  get personSpoke() {
    return this.log.querySelector(".line.person") !== null;
  }

  /** What a person says; made once, when they begin, so that lines keep the order of speaking. */
  person(item) {
    return this.line(item, "person", "You");
  }

  /** first: the agent speaks of its own accord. */
  agent(item, first = false) {
    const entry = this.line(item, "agent", this.agentName);
    if (first) entry.line.querySelector(".who").after(element("p", "aside", "speaks first"));
    return entry;
  }

  line(item, kind, who) {
    const known = this.lines.get(item);
    if (known) return known;
    const words = element("p", "words", "");
    const line = element("article", `line ${kind} pending`, "");
    line.append(element("p", "who", who), words);
    this.keepInSight(() => this.log.append(line));
    this.lines.set(item, { line, words });
    return this.lines.get(item);
  }

  append(item, text) {
    const { words } = this.lines.get(item);
    this.keepInSight(() => words.append(text));
  }

  replace(item, text) {
    const { words } = this.lines.get(item);
    this.keepInSight(() => (words.textContent = text));
  }

  settle(item) {
    this.lines.get(item)?.line.classList.remove("pending");
  }

  /** Nothing was understood, or the turn came to nothing. */
  remove(item) {
    this.lines.get(item)?.line.remove();
    this.lines.delete(item);
  }

  /** The answer was interrupted: only what was heard stays. */
  heard(item, text) {
    const entry = this.lines.get(item);
    if (!entry) return;
    if (!text.trim()) return this.remove(item);
    this.replace(item, `${text.trimEnd()} —`);
    this.settle(item);
    this.markCut(item);
  }

  /** why: what the line says of its own end. */
  markCut(item, why = "interrupted here") {
    const { line } = this.lines.get(item) ?? {};
    if (!line || line.classList.contains("cut")) return;
    line.classList.add("cut");
    this.keepInSight(() => line.append(element("p", "aside", why)));
  }

  /** Typed while the connection is away: shown, and sent when it is back. */
  await(item, text) {
    const { line } = this.person(item);
    this.replace(item, text);
    this.keepInSight(() => line.append(element("p", "aside waiting", "sent when connected")));
  }

  /** The connection is back after `away` ms: told if it was missed. */
  cameBack(away) {
    for (const note of this.log.querySelectorAll(".waiting")) note.remove();
    if (away < WORTH_A_LINE_MS || this.isEmpty) return;
    this.direction(`The connection was away for ${Math.round(away / 1000)} s.`);
  }

  /** The connection went: lines that were not complete stay as they are, and say so. */
  breakOff() {
    for (const [item, { line }] of this.lines) {
      if (!line.matches(".pending:not(:has(.waiting))")) continue;
      this.settle(item);
      this.markCut(item, "broken off here");
    }
  }

  /** sources: [{document, title, line}] */
  cite(item, sources) {
    const { line } = this.lines.get(item) ?? {};
    if (!line || !sources.length) return;
    const list = element("ul", "sources", "");
    list.setAttribute("aria-label", "Source");
    list.append(...distinct(sources).map(citation));
    this.keepInSight(() => {
      line.querySelector(".sources")?.remove();
      line.querySelector(".words").after(list);
    });
  }

  /** A stage direction: what happened to the conversation itself. */
  direction(text) {
    this.keepInSight(() => this.log.append(element("p", "direction", text)));
  }

  /** Follows the newest line, unless the person has scrolled up to read, or has yet to begin. */
  keepInSight(change) {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    const atEnd = scrollHeight - scrollTop - clientHeight < 80;
    change();
    if (atEnd && this.personSpoke) this.scroller.scrollTop = this.scroller.scrollHeight;
  }
}

function distinct(sources) {
  return [...new Map(sources.map((source) => [`${source.document}#${source.title}`, source])).values()];
}

function citation({ document: file, title, line }) {
  const item = element("li", "", "");
  const name = element("cite", "", file);
  item.append(name);
  if (title) item.append(" · ", title);
  if (line) item.title = `${file}, line ${line}`;
  return item;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}
