/** One rule: written, checked, previewed, tried, put live. */
import { get, path, put } from "./api.js";
import { button, el } from "./dom.js";
import { funnelRows } from "./funnel-bar.js";
import { address } from "./router.js";
import { RuleChecks } from "./rule-checks.js";
import { RuleEditor } from "./rule-editor.js";
import { rulePreview } from "./rule-preview.js";
import { ruleStatus } from "./rule-status.js";
import { FIRST_TEXT, nameIn } from "./rule-text.js";
import { ruleTrial } from "./rule-trial.js";
import { ruleVersions } from "./rule-versions.js";

export const NEW = "+"; // no rule's name: those are letters

export function ruleRoom(context) {
  const room = new RuleRoom(context);
  room.open();
  return () => room.leave();
}

class RuleRoom {
  constructor({ room, rest, notices, router }) {
    Object.assign(this, { room, notices, router });
    this.name = rest[0] === NEW ? "" : rest[0];
    this.saved = ""; // the text as the server has it
    this.editor = new RuleEditor({
      onChange: (text) => this.checks.soon(text),
      onSave: () => this.save(),
    });
    this.checks = new RuleChecks({
      onProblems: (problems) => this.editor.showProblems(problems),
      onUnable: (error) => {
        this.editor.showUnchecked("Not checked: see above.");
        notices.fail(error, () => this.checks.now(this.editor.text));
      },
    });
    router.mayLeave = () => !this.isChanged || window.confirm("Leave without saving what you wrote?");
    router.again = () => (this.drawn ? this.refresh() : this.open());
    this.drawn = false;
    this.warn = (event) => this.isChanged && event.preventDefault();
    window.addEventListener("beforeunload", this.warn);
  }

  get isChanged() {
    return this.editor.text !== this.saved;
  }

  leave() {
    this.checks.stop();
    window.removeEventListener("beforeunload", this.warn);
  }

  async open() {
    if (!this.name) {
      this.editor.text = this.saved = FIRST_TEXT;
      this.draw(null);
      return this.checks.now(FIRST_TEXT);
    }
    try {
      const rule = await get(path("rules", this.name));
      this.editor.text = this.saved = rule.text;
      this.draw(rule);
      await this.checks.now(rule.text);
    } catch (error) {
      this.notices.fail(error, () => this.open());
    }
  }

  /** Status, funnel and versions anew; what is being written stays. */
  async refresh() {
    if (!this.name) return; // not saved yet
    try {
      this.draw(await get(path("rules", this.name)));
    } catch (error) {
      this.notices.fail(error, () => this.refresh());
    }
  }

  /** rule: null of one that is not saved yet. */
  draw(rule) {
    this.drawn = true;
    const { notices } = this;
    const back = el("a", { class: "back", href: address("rules") }, "Rules");
    const title = el("header", { class: "head" }, el("div", {}, back, el("h1", {}, this.name || "A new rule")));
    const status = rule && ruleStatus(rule, { notices, changed: () => this.refresh() });
    if (status) title.append(status);
    this.preview ??= rulePreview({
      name: () => this.name || nameIn(this.editor.text) || "new",
      text: () => this.editor.text,
      fail: (error) => this.refused(error),
    });
    const saving = el(
      "div",
      { class: "row" },
      button("Save", () => this.save(), { class: "pill solid", "aria-keyshortcuts": "Control+S" }),
      el("p", { class: "soft" }, rule ? "Saving makes a new version; the old ones stay as they were." : "It is saved as a draft: nobody hears it until you put it live."),
    );
    const aside = [this.preview, rule && ruleTrial(this.name, { notices }), rule && this.funnel(rule), rule && this.versions(rule)];
    this.room.replaceChildren(
      title,
      el("div", { class: "workbench" }, el("div", { class: "writing" }, this.editor.element, saving), el("div", { class: "beside" }, aside.filter(Boolean))),
    );
  }

  funnel({ funnel = {} }) {
    const prompts = el("a", { href: address("ledger", [], { rule: this.name }) }, "Its prompts in the ledger");
    return el("section", { class: "card", "aria-label": "Funnel" }, el("h2", {}, "So far"), funnelRows(funnel), el("p", {}, prompts));
  }

  versions({ versions = [], version }) {
    return ruleVersions(versions, version, (each) => {
      this.editor.text = each.text;
      this.checks.now(each.text);
      this.notices.tell(`Version ${each.version} is in the editor. Save to make it a new version.`);
      this.editor.area.focus();
    });
  }

  async save() {
    const { text } = this.editor;
    const name = this.name || nameIn(text);
    if (!name) return this.editor.showProblems([{ line: 1, message: "A rule needs a name, such as `name: order_ready`." }]);
    this.checks.stop();
    try {
      await put(path("rules", name), { text });
    } catch (error) {
      return this.refused(error);
    }
    this.saved = text;
    const isNew = !this.name;
    this.name = name;
    if (isNew) this.router.settle(address("rules", [name]));
    this.editor.showProblems([]);
    this.notices.tell(`${name} is saved.`);
    await this.refresh();
  }

  /** What is wrong with the text stands at its lines; anything else above. */
  refused(error) {
    if (error.problems?.length) this.editor.showProblems(error.problems);
    else this.notices.fail(error);
  }
}
