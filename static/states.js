/** What the page can be doing, in the words it shows. */

/** word: large under the button; hint: the line below; press: what the button does then. */
export const STATES = {
  idle: { word: "Press to talk", hint: "or type instead", press: "Start talking" },
  connecting: { word: "Connecting…", hint: "One moment.", press: "Stop connecting" },
  asking: {
    word: "May I listen?",
    hint: "Your browser asks whether this page may use the microphone.",
    press: "Waiting for your permission",
  },
  ready: { word: "Press to talk", hint: "or go on typing", press: "Start talking" },
  listening: { word: "Listening", hint: "Go ahead, just speak.", press: "Mute the microphone" },
  hearing: { word: "Hearing you", hint: "Take your time.", press: "Mute the microphone" },
  thinking: { word: "Thinking", hint: "One moment.", press: "Mute the microphone" },
  speaking: {
    word: "Speaking",
    hint: "You can interrupt at any time.",
    press: "Mute the microphone",
  },
  muted: { word: "Muted", hint: "You are not heard. Press to be heard again.", press: "Unmute" },
  away: { word: "Connection lost", hint: "Coming back…", press: "Try now" },
};

/** Spoken by screen readers. Those within a turn are heard anyway, and would only chatter. */
export const ANNOUNCED = {
  idle: "The conversation has ended. The microphone is off.",
  muted: "Muted.",
  listening: "Connected. Listening.",
  away: "Connection lost.",
};

/**
 * The one state to show.
 *
 * link: of the connection; mic: "off" | "asking" | "opening" | "open" | "muted"; floor: the server's
 * word on who has it; playing: the agent's audio is sounding here.
 */
export function shownState({ link, mic, floor, playing }) {
  if (mic === "asking") return "asking";
  if (link === "off") return mic === "opening" ? "connecting" : "idle";
  if (link === "waiting") return "away";
  if (link === "connecting") return "connecting";
  if (playing || floor === "speaking") return "speaking";
  if (floor === "thinking") return "thinking";
  if (floor === "listening") return "hearing";
  return { off: "ready", opening: "connecting", open: "listening", muted: "muted" }[mic];
}
