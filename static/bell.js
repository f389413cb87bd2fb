/** Notifications of the browser for what the agent says while this tab is hidden. */

const KEY = "overture.notify";
const WORDS = {
  off: "Notify me when this tab is hidden",
  on: "Notifications are on. Press to switch them off",
  denied: "The browser blocks notifications of this page: allow them beside the address",
};

export class Bell {
  /** button: pressed to switch them on or off; only then is permission asked for. */
  constructor(button) {
    this.button = button;
    button.hidden = !("Notification" in window);
    if (button.hidden) return;
    this.wanted = stored();
    button.addEventListener("click", () => this.pressed());
    this.draw();
  }

  get isOn() {
    return Boolean(this.wanted) && Notification.permission === "granted";
  }

  async pressed() {
    this.wanted = !this.isOn;
    if (this.wanted) await Notification.requestPermission();
    store(this.wanted);
    this.draw();
  }

  draw() {
    const blocked = Notification.permission === "denied";
    const words = WORDS[blocked ? "denied" : this.isOn ? "on" : "off"];
    this.button.setAttribute("aria-pressed", String(this.isOn));
    this.button.setAttribute("aria-label", words);
    this.button.title = words;
  }

  /** id: the same one is told once, however many tabs there are. */
  ring(id, title, body) {
    if (!document.hidden || !this.isOn) return;
    try {
      const told = new Notification(title, { body, tag: id });
      told.addEventListener("click", () => {
        window.focus();
        told.close();
      });
    } catch {
      // Chrome on Android has the class, but no way to use it from a page
    }
  }
}

function stored() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false; // storage is forbidden
  }
}

function store(wanted) {
  try {
    localStorage.setItem(KEY, wanted ? "on" : "off");
  } catch {
    // not remembered, still switched
  }
}
