/** What can be wrong, in plain words, with what to do. */

/** title: what is wrong; todo: what helps; retry: the words on a button, where trying again helps. */
export const TROUBLES = {
  "microphone-denied": {
    title: "The microphone is not allowed",
    todo: "This page may not use it. Press the microphone or lock sign beside the address, allow it, then try again. You can type meanwhile.",
    retry: "Try again",
  },
  "microphone-missing": {
    title: "No microphone found",
    todo: "Plug one in, or switch it on in the system's sound settings, then try again. You can type meanwhile.",
    retry: "Try again",
  },
  "microphone-busy": {
    title: "The microphone does not answer",
    todo: "Another program may be using it. Close that one, or choose another microphone, then try again. You can type meanwhile.",
    retry: "Try again",
  },
  "microphone-lost": {
    title: "The microphone went away",
    todo: "It was unplugged, or its permission was withdrawn. Put it back, then try again. You can type meanwhile.",
    retry: "Try again",
  },
  "not-secure": {
    title: "The browser gives no sound to this address",
    todo: "Browsers allow a microphone and live sound only over https, or on the server's own machine at http://127.0.0.1. Open the page that way to talk. You can type here; answers are shown, not heard.",
  },
  "browser-old": {
    title: "This browser is too old to talk",
    todo: "It lacks what live sound needs. Chrome, Edge, Firefox or Safari of the last three years will do. You can type here; answers are shown, not heard.",
  },
  "audio-failed": {
    title: "The sound did not start",
    todo: "Check that a loudspeaker or headphones are connected, then try again.",
    retry: "Try again",
  },
  offline: {
    title: "You are offline",
    todo: "The network is away. What you type is kept; the talk goes on by itself when it is back.",
    retry: "Try now",
  },
  gone: {
    title: "The server is gone",
    todo: "It may be starting anew. What you type is kept; the talk goes on by itself when it is back.",
    retry: "Try now",
  },
  full: {
    title: "The server is full",
    todo: "All its places are taken. One may become free in a moment.",
    retry: "Try now",
  },
  refused: {
    title: "The server does not let this page in",
    todo: "Open the link that you were invited with, or ask for a new one; on this machine, the address that the server printed when it started.",
    retry: "Try now",
  },
};

export const MICROPHONE_TROUBLES = [
  "microphone-denied",
  "microphone-missing",
  "microphone-busy",
  "microphone-lost",
  "audio-failed",
];

const BY_ERROR = {
  NotAllowedError: "microphone-denied",
  SecurityError: "microphone-denied",
  NotFoundError: "microphone-missing",
  OverconstrainedError: "microphone-missing",
  NotReadableError: "microphone-busy",
  AbortError: "microphone-busy",
};

/** The trouble behind what getUserMedia or the audio context threw. */
export function troubleOf(error) {
  return BY_ERROR[error?.name] ?? "audio-failed";
}

/** What keeps this page from live sound before anything is tried; null if nothing does. */
export function standingTrouble() {
  if (!window.isSecureContext) return "not-secure";
  if (!("AudioWorkletNode" in window) || !navigator.mediaDevices) return "browser-old";
  return null;
}

/** Shows one trouble at a time in `box`, which is an alert. */
export class TroubleView {
  /** onRetry(trouble's name) */
  constructor(box, onRetry) {
    this.box = box;
    this.onRetry = onRetry;
    this.name = null;
  }

  /** more: words of the server, or when the next try is. */
  show(name, more = "") {
    if (name !== this.name) this.build(name);
    this.more.textContent = more;
  }

  build(name) {
    this.name = name;
    const { title, todo, retry } = TROUBLES[name];
    // The count of seconds changes all the time: seen, but not announced each time.
    this.more = element("p", "more", "");
    this.more.setAttribute("aria-live", "off");
    const parts = [element("h2", "", title), element("p", "", todo), this.more];
    if (retry) parts.push(this.button(name, retry));
    this.box.replaceChildren(...parts);
    this.box.hidden = false;
  }

  button(name, words) {
    const button = element("button", "pill", words);
    button.type = "button";
    button.addEventListener("click", () => this.onRetry(name));
    return button;
  }

  /** Takes it away, if it is one of these. */
  clear(...names) {
    if (!names.includes(this.name)) return;
    this.name = null;
    this.box.hidden = true;
    this.box.replaceChildren();
  }
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
