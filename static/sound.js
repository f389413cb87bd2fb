/** The page's ears and mouth: the audio context, the microphone and the loudspeaker on it. */
import { canPlayAudio, prepareAudio, wake } from "./audio.js";
import { Microphone, watchPermission } from "./microphone.js";
import { Speaker } from "./speaker.js";

export class Sound {
  /** toMicrophone, toSpeaker: the callbacks that Microphone and Speaker take. */
  constructor(toMicrophone, toSpeaker) {
    this.toMicrophone = toMicrophone;
    this.toSpeaker = toSpeaker;
    this.microphone = null;
    this.speaker = null;
    this.mayListen = false; // without asking
    watchPermission((granted) => (this.mayListen = granted));
    if (canPlayAudio()) this.prepare().catch(() => {}); // the click that needs it tries again
  }

  /** Loads what is needed, once, before anybody waits for it. */
  async prepare() {
    this.prepared ??= prepareAudio().then((context) => this.join(context));
    try {
      return await this.prepared;
    } catch (error) {
      this.prepared = null;
      throw error;
    }
  }

  join(context) {
    this.microphone = new Microphone(context, this.toMicrophone);
    this.speaker = new Speaker(context, this.toSpeaker);
    return context;
  }

  /** From a click or key press. It sounds some milliseconds later; nothing need wait for that. */
  async start() {
    if (this.speaker) wake(this.speaker.context); // at once: Safari forgets the gesture otherwise
    else wake(await this.prepare());
  }
}
