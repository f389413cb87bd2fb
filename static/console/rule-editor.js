/** Where a rule is written: line numbers, and what is wrong at the line where it is wrong. */
import { button, el } from "./dom.js";
import { count } from "./words.js";

export class RuleEditor {
  /** onChange(text) at each change; onSave() on Ctrl+S. */
  constructor({ onChange, onSave }) {
    this.area = el("textarea", {
      class: "code",
      wrap: "off",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      "aria-label": "The rule, as YAML",
      "aria-describedby": "problems",
    });
    this.gutter = el("div", { class: "gutter", "aria-hidden": "true" });
    this.marks = el("div", { class: "marks", "aria-hidden": "true" });
    this.verdict = el("p", { class: "verdict", role: "status" });
    this.list = el("ul", { class: "problems", id: "problems" });
    const sheet = el("div", { class: "sheet" }, this.marks, this.area);
    this.element = el("div", { class: "editor" }, el("div", { class: "paper" }, this.gutter, sheet), this.verdict, this.list);
    this.area.addEventListener("input", () => {
      this.number();
      this.asChecking();
      onChange(this.text);
    });
    this.area.addEventListener("scroll", () => this.scrolled());
    this.area.addEventListener("keydown", (event) => this.pressed(event, onSave));
  }

  get text() {
    return this.area.value;
  }

  set text(words) {
    this.area.value = words;
    this.number();
    this.scrolled();
  }

  /** Enter keeps the indentation; Tab leaves the field, as everywhere on the page. */
  pressed(event, onSave) {
    if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSave();
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      const { value, selectionStart } = this.area;
      const indent = /^ */.exec(value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart))[0];
      if (!indent) return;
      event.preventDefault();
      document.execCommand("insertText", false, `\n${indent}`); // the one way that undo knows of
    }
  }

  number() {
    const lines = this.text.split("\n").length;
    if (this.gutter.childElementCount === lines) return;
    this.gutter.replaceChildren(...Array.from({ length: lines }, (_, at) => el("span", {}, `${at + 1}`)));
    this.area.style.setProperty("--lines", lines);
  }

  scrolled() {
    const { scrollTop, scrollLeft } = this.area;
    this.gutter.style.setProperty("--down", `${-scrollTop}px`);
    this.marks.style.setProperty("--down", `${-scrollTop}px`);
    this.marks.style.setProperty("--across", `${-scrollLeft}px`);
  }

  asChecking() {
    this.verdict.dataset.verdict = "checking";
    this.verdict.textContent = "Checking…";
  }

  /** problems: [{line, message}]; line 0 or null where it is of no line. */
  showProblems(problems) {
    const fine = problems.length === 0;
    this.area.setAttribute("aria-invalid", String(!fine));
    this.verdict.dataset.verdict = fine ? "fine" : "wrong";
    this.verdict.textContent = fine ? "This rule is right." : `${count(problems.length, "problem")} to mend.`;
    this.list.replaceChildren(...problems.map((each) => this.problem(each)));
    this.number();
    [...this.gutter.children].forEach((line, at) =>
      line.toggleAttribute("data-wrong", problems.some((each) => each.line === at + 1)),
    );
    const first = new Map(problems.toReversed().map((each) => [each.line, each.message]));
    const lines = this.text.split("\n");
    const marks = [...first].filter(([line]) => line).map(([line, words]) => mark(line, words, lines[line - 1]));
    this.marks.replaceChildren(...marks);
  }

  /** Nobody can say now whether it is right. */
  showUnchecked(words) {
    this.verdict.dataset.verdict = "unknown";
    this.verdict.textContent = words;
  }

  problem({ line, message }) {
    const words = el("span", {}, message);
    if (!line) return el("li", {}, words);
    return el("li", {}, button(`Line ${line}`, () => this.goTo(line), { class: "to-line" }), words);
  }

  /** Puts the cursor at the end of that line, from 1. */
  goTo(line) {
    const lines = this.text.split("\n");
    const before = lines.slice(0, line).join("\n").length;
    this.area.focus();
    this.area.setSelectionRange(before, before);
    const height = this.area.scrollHeight / Math.max(1, lines.length);
    this.area.scrollTop = Math.max(0, (line - 4) * height);
  }
}

/** Behind the line, with the message after its end. */
function mark(line, message, text = "") {
  const made = el("p", { class: "mark" }, el("span", {}, message));
  made.style.setProperty("--line", line - 1);
  made.style.setProperty("--length", text.length);
  return made;
}
