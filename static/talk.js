/**
 * One person's talk with the agent: sound and connection joined.
 *
 * Knows the protocol's events and what they mean for sound; what is seen is told to `show`.
 */
import { Absence } from "./absence.js";
import { canPlayAudio } from "./audio.js";
import { Dialogue } from "./dialogue.js";
import { fromBase64 } from "./pcm.js";
import { RealtimeClient, TRUNCATING } from "./realtime.js";
import { EVENTS } from "./server-events.js";
import { Sound } from "./sound.js";
import { SpokenItems } from "./spoken-items.js";
import { shownState } from "./states.js";
import { MICROPHONE_TROUBLES, troubleOf } from "./troubles.js";
import { Typed } from "./typed.js";

const HARMLESS = "response_cancel_not_active"; // it ended by itself while our cancel was on its way

export class Talk {
  /**
   * who: {model, user}. view: a ConversationView. show: {state(), joined(), trouble(name, more),
   * clear(...names), level(side, rms), turn(stages), heardPerson(text), card(card, isSilent),
   * cardGone(id)}.
   */
  constructor(who, view, show) {
    this.view = view;
    this.show = show;
    this.link = "off"; // as RealtimeClient tells it
    this.absence = new Absence(show);
    this.mic = "off";
    this.floor = "idle";
    this.typed = new Typed();
    this.lastTurn = null; // its stages in milliseconds
    this.turnItem = null; // and the item that answered it
    this.arrival = null; // {item, at}: when its first audio came in
    this.spoken = new SpokenItems({
      onBegin: (item) => this.voiceBegins(item),
      onEnd: (item) => this.speaker?.end(item),
    });
    this.dialogue = new Dialogue({
      view,
      typed: this.typed,
      spoken: this.spoken,
      heardPerson: (text) => show.heardPerson(text),
    });
    this.client = new RealtimeClient(who, {
      onEvent: (event) => this.handle(event),
      onLink: (link, detail) => this.linked(link, detail),
      onStream: (stream) => this.speaker?.listenTo(stream),
    });
    this.sound = this.makeSound();
  }

  makeSound() {
    const microphone = {
      onFrame: (samples) => this.client.hear(samples),
      onLevel: (rms) => this.show.level("you", rms),
      onLost: () => this.microphoneLost(),
    };
    const speaker = {
      onPlayed: (item, milliseconds) => this.client.reportPlayout(item, milliseconds),
      onStart: (item) => this.sounded(item),
      onSilence: () => this.changed(),
      onLevel: (rms) => this.show.level("agent", rms),
    };
    return new Sound(microphone, speaker);
  }

  /** Null until sound was prepared, and where the browser has none. */
  get speaker() {
    return this.sound.speaker;
  }

  get state() {
    return shownState({ ...this, playing: this.speaker?.isPlaying ?? false });
  }

  /** What carries it, or would: "webrtc" or "websocket". */
  get kind() {
    return this.client.kind;
  }

  /** The agent is answering, or still to be heard. */
  get interruptible() {
    return this.dialogue.response !== null || (this.speaker?.isPlaying ?? false);
  }

  /** Nothing can be heard from this page: what is said is to be read. */
  get isSilent() {
    return !canPlayAudio();
  }

  changed() {
    this.show.state();
  }

  // What the person does

  /** Opens the microphone and the connection; from a click or key press. */
  async start() {
    if (this.mic !== "off") return;
    this.mic = this.sound.mayListen ? "opening" : "asking";
    this.changed();
    try {
      await this.sound.start();
      if (this.mic === "opening") this.client.connect(); // the one need not wait for the other
      if (await this.openMicrophone()) this.client.connect();
    } catch (error) {
      this.mic = "off";
      this.show.trouble(troubleOf(error));
    }
    this.changed();
  }

  /** False when the person has left while the browser asked. */
  async openMicrophone() {
    const { microphone } = this.sound;
    await microphone.open();
    if (this.mic !== "opening" && this.mic !== "asking") {
      microphone.close();
      return false;
    }
    this.mic = "open";
    this.client.setMicrophone(microphone.track);
    this.show.clear(...MICROPHONE_TROUBLES);
    return true;
  }

  /** The microphone goes off and the connection ends. */
  end() {
    this.closeMicrophone();
    this.client.disconnect();
  }

  closeMicrophone() {
    this.sound.microphone?.close();
    this.client.setMicrophone(null);
    this.mic = "off";
  }

  microphoneLost() {
    this.closeMicrophone();
    this.show.trouble("microphone-lost");
    this.changed();
  }

  mute(muted) {
    if (this.mic !== "open" && this.mic !== "muted") return;
    this.sound.microphone.mute(muted);
    this.mic = muted ? "muted" : "open";
    this.changed();
  }

  /** Stops the agent; what was heard so far stays in the conversation. */
  interrupt() {
    if (this.dialogue.response) this.client.cancelResponse();
    const heard = this.speaker?.heard;
    this.silence();
    if (heard) this.client.truncate(heard.item, heard.milliseconds);
  }

  silence() {
    if (this.speaker?.isPlaying) this.speaker.flush();
  }

  /** Says `text` in writing; works without a microphone. From a key press or click. */
  async type(text) {
    const item = this.typed.add(text);
    this.show.clear(...MICROPHONE_TROUBLES, "not-secure", "browser-old"); // typing gets around them
    if (canPlayAudio()) await this.sound.start().catch(() => this.show.trouble("audio-failed"));
    if (this.link === "open") {
      this.sendTyped();
      return;
    }
    this.view.await(item, text);
    this.changed();
    this.client.connect();
  }

  /** False when there is nothing to send. */
  sendTyped() {
    const entries = this.typed.take();
    if (!entries.length) return false;
    this.interrupt();
    this.client.say(entries);
    return true;
  }

  /** The person wants no more prompts like that one. False while there is nobody to tell. */
  stopOutreach(id) {
    if (this.link !== "open") return false;
    this.client.send({ type: "overture.outreach.stop", outreach_id: id });
    return true;
  }

  /** A prompt that is not heard here can be read. */
  shownOutreach(id) {
    this.client.send({ type: "overture.outreach.shown", outreach_id: id });
  }

  retry() {
    this.client.connect();
  }

  /** kind: "webrtc" or "websocket"; a talk that is on goes on over it. */
  prefer(kind) {
    this.client.prefer(kind);
  }

  // The connection

  linked(link, detail) {
    if (link === "connecting" && this.link === "waiting") return this.absence.trying();
    this.link = link;
    if (link !== "open") this.forgetTheMoment();
    if (link === "waiting") this.absence.waiting(detail);
    else if (link !== "connecting") this.joined(this.absence.over(), detail);
    this.changed();
  }

  /** The connection stands, after `away` ms without, or is ended. fresh: nothing was said in it. */
  joined(away, { fresh } = {}) {
    if (this.link === "off") return;
    this.show.joined();
    this.view.cameBack(away);
    if (!this.sendTyped() && fresh && this.mic !== "off") this.client.invite();
  }

  /** The connection is not there: nothing half-done is carried over to the next. */
  forgetTheMoment() {
    const heard = this.speaker?.heard;
    if (heard) this.client.played = [heard.item, heard.milliseconds];
    this.speaker?.silence();
    this.dialogue.breakOff();
    this.typed.lost();
    this.floor = "idle";
  }

  handle(event) {
    EVENTS[event.type]?.(this, event);
    this.changed();
  }

  // What the server says of sound

  /** Over a WebSocket, a piece of an item's audio. */
  audio(item, base64) {
    if (!this.speaker) return;
    this.arrived(item);
    this.speaker.play(item, fromBase64(base64));
  }

  /** Over a WebSocket, the end of it; over WebRTC it is still on its way then. */
  audioDone(item) {
    if (this.kind === "websocket") this.speaker?.end(item);
  }

  /** Over WebRTC, an item's audio is on its way. */
  voiceBegins(item) {
    this.arrived(item);
    this.speaker?.begin(item);
  }

  arrived(item) {
    if (this.arrival?.item !== item) this.arrival = { item, at: performance.now() };
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

  // What the server says of the rest

  floorPassed(state) {
    this.floor = state;
    if (state === "idle") this.dialogue.noTurn();
  }

  responseBegins(response) {
    this.dialogue.responseBegins(response, (item) => this.client.retrieve(item));
  }

  /** Something is said to the person that they did not ask for. */
  spokeFirst(card) {
    this.show.card(card, this.isSilent);
  }

  /** What was typed may be sent twice around a lost connection: then the server has it already. */
  faulted({ code, message, param, event_id: cause }) {
    if (this.typed.arrived(cause) && param === "item.id") return this.view.settle(cause);
    // Where the network paused more was played than was sent: then all of it was heard.
    if (code !== HARMLESS && cause !== TRUNCATING) this.view.direction(message);
  }
}
