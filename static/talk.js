/**
 * One person's talk with the agent: microphone, connection and loudspeaker joined.
 *
 * Knows the protocol's events and what they mean for sound; what is seen is told to `show`.
 */
import { canPlayAudio, openAudio } from "./audio.js";
import { Microphone } from "./microphone.js";
import { fromBase64 } from "./pcm.js";
import { RealtimeClient } from "./realtime.js";
import { EVENTS } from "./server-events.js";
import { Speaker } from "./speaker.js";
import { shownState } from "./states.js";
import { troubleOf } from "./troubles.js";

export class Talk {
  /**
   * url: from realtimeUrl(). view: a ConversationView. show: {state(), trouble(name, more),
   * clear(...names), level(side, rms), turn(stages), heardPerson(text)}.
   */
  constructor(url, view, show) {
    this.view = view;
    this.show = show;
    this.link = "off"; // as RealtimeClient tells it
    this.awayFor = null; // why the link is "waiting"
    this.mic = "off";
    this.floor = "idle";
    this.microphone = null;
    this.speaker = null;
    this.response = null; // id of the one being made
    this.speaksFirst = new Set(); // ids of responses that nobody asked for
    this.unsaid = []; // typed before the connection stood
    this.items = 0;
    this.interim = null; // the item of words that are not a turn yet
    this.lastTurn = null; // its stages in milliseconds
    this.turnItem = null; // and the item that answered it
    this.arrival = null; // {item, at}: when its first audio came in
    this.client = new RealtimeClient(url, {
      onEvent: (event) => this.handle(event),
      onLink: (link, detail) => this.linked(link, detail),
    });
  }

  get state() {
    return shownState({ ...this, playing: this.speaker?.isPlaying ?? false });
  }

  /** The agent is answering, or still to be heard. */
  get interruptible() {
    return this.response !== null || (this.speaker?.isPlaying ?? false);
  }

  changed() {
    this.show.state();
  }

  // What the person does

  /** Opens the microphone and the connection; from a click or key press. */
  async start() {
    if (this.mic !== "off") return;
    this.mic = "asking";
    this.changed();
    try {
      await this.prepareSound();
      await this.microphone.open();
      this.mic = "open";
      this.show.clear(...MICROPHONE_TROUBLES);
      this.client.connect();
    } catch (error) {
      this.mic = "off";
      this.show.trouble(troubleOf(error));
    }
    this.changed();
  }

  /** The microphone goes off and the connection ends. */
  end() {
    this.microphone?.close();
    this.mic = "off";
    this.silence();
    this.client.disconnect();
  }

  mute(muted) {
    if (this.mic === "off" || this.mic === "asking") return;
    this.microphone.mute(muted);
    this.mic = muted ? "muted" : "open";
    this.changed();
  }

  /** Stops the agent; what was heard so far stays in the conversation. */
  interrupt() {
    if (this.response) this.client.cancelResponse();
    const heard = this.speaker?.heard;
    this.silence();
    if (heard) this.client.truncate(heard.item, heard.milliseconds);
  }

  /** Says `text` in writing; works without a microphone. From a key press or click. */
  async type(text) {
    this.unsaid.push(text);
    this.show.clear(...MICROPHONE_TROUBLES, "not-secure", "browser-old"); // typing gets around them
    if (canPlayAudio()) await this.prepareSound().catch(() => this.show.trouble("audio-failed"));
    if (this.link === "open") this.sendUnsaid();
    else this.client.connect();
  }

  sendUnsaid() {
    if (this.unsaid.length) this.interrupt();
    for (const text of this.unsaid.splice(0)) this.client.say(text);
  }

  retry() {
    this.client.connect();
  }

  // Sound

  async prepareSound() {
    this.sound ??= openAudio().then((context) => this.joinSound(context));
    try {
      await this.sound;
    } catch (error) {
      this.sound = null; // the next gesture tries anew
      throw error;
    }
  }

  joinSound(context) {
    this.microphone = new Microphone(context, {
      onFrame: (samples) => this.client.hear(samples),
      onLevel: (rms) => this.show.level("you", rms),
      onLost: () => this.microphoneLost(),
    });
    this.speaker = new Speaker(context, {
      onPlayed: (item, milliseconds) => this.client.reportPlayout(item, milliseconds),
      onStart: (item) => this.sounded(item),
      onSilence: () => this.changed(),
      onLevel: (rms) => this.show.level("agent", rms),
    });
  }

  microphoneLost() {
    this.mic = "off";
    this.show.trouble("microphone-lost");
    this.changed();
  }

  silence() {
    if (this.speaker?.isPlaying) this.speaker.flush();
  }

  sounded(item) {
    if (item !== this.arrival?.item || item !== this.turnItem) return;
    const { heard, outputLatency } = this.speaker;
    const waited = Math.max(0, performance.now() - this.arrival.at - heard.milliseconds);
    this.measured({ ...this.lastTurn, playout: waited + outputLatency });
  }

  /** Stages of the last turn come from the server, before its audio; its playout from here. */
  measured(stages) {
    this.lastTurn = stages;
    this.show.turn(stages);
  }

  // What the server says

  linked(link, detail) {
    const again = link === "connecting" && this.link === "waiting";
    if (again) return this.show.trouble(this.awayFor, "Trying now…");
    this.link = link;
    this.awayFor = detail?.reason;
    if (link !== "open") this.forgetTheMoment();
    if (link === "waiting") this.show.trouble(detail.reason, waitingWords(detail));
    else this.show.clear("gone", "full", "refused");
    if (link === "open") this.sendUnsaid();
    this.changed();
  }

  /** The connection is not there: nothing half-done is carried over to the next. */
  forgetTheMoment() {
    this.silence();
    this.view.breakOff();
    this.floor = "idle";
    this.response = null;
  }

  handle(event) {
    EVENTS[event.type]?.(this, event);
    this.changed();
  }

  itemAdded(item) {
    this.items += 1;
    if (item.role !== "user") return;
    if (item.id === this.interim) this.interim = null;
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
    this.show.heardPerson(text);
  }

  audio(item, base64) {
    if (!this.speaker) return;
    if (this.arrival?.item !== item) this.arrival = { item, at: performance.now() };
    this.speaker.play(item, fromBase64(base64));
  }

  floorPassed(state) {
    this.floor = state;
    if (state !== "idle" || this.interim === null) return;
    this.view.remove(this.interim); // it was no turn after all
    this.interim = null;
  }

  agentSaid(item, text) {
    this.view.agent(item);
    this.view.append(item, text);
  }

  responseOver({ id, status, status_details: details }) {
    if (id === this.response) this.response = null;
    this.speaksFirst.delete(id);
    if (status === "failed") this.view.direction(details?.error?.message ?? "The answer failed.");
  }
}

const MICROPHONE_TROUBLES = [
  "microphone-denied",
  "microphone-missing",
  "microphone-busy",
  "microphone-lost",
  "audio-failed",
];

function waitingWords({ message, seconds }) {
  const next = `Trying again in ${seconds} s…`;
  return message ? `${message} ${next}` : next;
}
