/** The switch that stops all outreach on every instance: always in sight. */
import { path, put } from "./api.js";
import { ask } from "./dialog.js";
import { clock } from "./words.js";

const STOPPING = {
  title: "Stop all outreach?",
  text: "Every instance stops within a second. What is being said breaks off; what waits is held and goes on waiting until it is too late for it. Conversations go on.",
  confirm: "Stop all outreach",
  danger: true,
  reason: "required",
};
const RESUMING = {
  title: "Let outreach go on?",
  text: "Prompts that wait and are not too late are spoken again, on every instance.",
  confirm: "Let it go on",
  reason: "optional",
};

export class KillSwitch {
  /** at(id): the page's element. onFail(error). */
  constructor(at, onFail) {
    Object.assign(this, { box: at("switch"), words: at("switch-words"), press: at("switch-press"), onFail });
    this.press.addEventListener("click", () => this.pressed());
    this.state = null;
  }

  /** state: {stopped, by, why, at}. */
  show(state) {
    const same = JSON.stringify(state) === JSON.stringify(this.state);
    this.state = state;
    if (same) return;
    document.body.toggleAttribute("data-stopped", state.stopped);
    this.box.dataset.switch = state.stopped ? "stopped" : "on";
    this.words.textContent = state.stopped ? stoppedWords(state) : "Outreach is on.";
    this.press.textContent = state.stopped ? "Let it go on" : "Stop all outreach";
    this.press.disabled = false;
  }

  /** Nobody knows whether it is on. Without a key it is not for us; else it can be tried. */
  unknown({ kind }) {
    const barred = kind === "key" || kind === "forbidden";
    this.state = null;
    this.box.dataset.switch = "unknown";
    this.words.textContent = barred ? "For operators only." : "Not known now whether outreach is on.";
    this.press.disabled = barred;
  }

  async pressed() {
    const stop = !this.state?.stopped;
    const why = await ask(stop ? STOPPING : RESUMING);
    this.press.focus();
    if (why === null) return;
    try {
      this.show(await put(path("outreach", "switch"), { stopped: stop, why }));
    } catch (error) {
      this.onFail(error);
    }
  }
}

function stoppedWords({ by, why, at }) {
  const who = [by && `by ${by}`, at && `at ${clock(at)}`].filter(Boolean).join(" ");
  return `All outreach is stopped${who ? ` ${who}` : ""}${why ? `: ${why}` : "."}`;
}
