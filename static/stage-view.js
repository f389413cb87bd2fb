/** The house side of the page: the button, its state in words, the controls, meters and seats. */
import { Meter } from "./meters.js";
import { Seats } from "./seats.js";
import { ANNOUNCED, STATES } from "./states.js";

const LINK_WORDS = {
  off: () => "Not connected",
  connecting: () => "Connecting…",
  open: (kind) => WIRES[kind],
  waiting: () => "Connection lost",
};
const WIRES = { webrtc: "WebRTC", websocket: "WebSocket" };
const WITHIN_A_TURN = ["hearing", "thinking", "speaking"];

export class StageView {
  /** at(id): the page's element. announce(text): to screen readers. */
  constructor(at, announce) {
    this.at = at;
    this.announce = announce;
    this.state = "idle";
    this.meters = { you: new Meter(at("you-meter")), agent: new Meter(at("agent-meter")) };
    this.seats = new Seats(at("seats"), at("talk"));
    this.drawing = false;
  }

  /**
   * state: a key of STATES. link, mic: as in shownState(). kind: what carries the talk.
   * interruptible: the agent can be stopped.
   */
  show({ state, link, kind, mic, interruptible }) {
    this.showLink(link, kind);
    this.showControls(link, mic, interruptible);
    if (state !== this.state) this.change(state);
  }

  showLink(link, kind) {
    const words = LINK_WORDS[link](kind);
    if (this.at("link-words").textContent === words) return;
    this.at("link").dataset.link = link;
    this.at("link-words").textContent = words;
    const connected = link === "open" ? `connected over ${words}` : words.toLowerCase();
    this.at("wire").setAttribute("aria-label", `Connection: ${connected}`);
  }

  showControls(link, mic, interruptible) {
    const { at } = this;
    at("controls").toggleAttribute("data-off", link === "off" && mic === "off");
    at("mute").hidden = !["open", "muted"].includes(mic);
    at("mute").setAttribute("aria-pressed", String(mic === "muted"));
    at("interrupt").disabled = !interruptible;
  }

  change(state) {
    const { word, hint, press } = STATES[state];
    this.at("house").dataset.state = state;
    this.at("state-word").textContent = word;
    this.at("state-hint").textContent = hint;
    this.at("talk-label").textContent = press;
    const midTurn = state === "listening" && WITHIN_A_TURN.includes(this.state);
    if (ANNOUNCED[state] && !midTurn) this.announce(ANNOUNCED[state]);
    this.state = state;
    this.seats.thinking = ["thinking", "connecting", "asking"].includes(state);
    this.animate();
  }

  /** side: "you" or "agent". */
  level(side, rms) {
    this.meters[side].set(rms);
    this.animate();
  }

  /** Draws while anything moves, and rests otherwise. */
  animate() {
    if (this.drawing) return;
    this.drawing = true;
    requestAnimationFrame((now) => this.drawFrame(now));
  }

  drawFrame(now) {
    const moved = Object.values(this.meters).map((meter) => meter.draw());
    const levels = { you: this.meters.you.shown, agent: this.meters.agent.shown };
    this.seats.draw(levels, now);
    const level = this.state === "speaking" ? levels.agent : levels.you;
    this.at("house").style.setProperty("--level", level.toFixed(3));
    this.drawing = false;
    if (moved.includes(true) || this.seats.isLively) this.animate();
  }
}
