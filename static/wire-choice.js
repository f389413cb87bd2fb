/** The person's choice of what carries the talk, remembered in this browser. */

const KEY = "overture.wire";
const KINDS = ["webrtc", "websocket"];

export class WireChoice {
  /** select: with an option for each of KINDS. onChange(kind). */
  constructor(select, onChange) {
    this.select = select;
    select.value = stored();
    select.addEventListener("change", () => {
      store(this.kind);
      onChange(this.kind);
    });
  }

  get kind() {
    return this.select.value;
  }
}

function stored() {
  try {
    const kind = localStorage.getItem(KEY);
    return KINDS.includes(kind) ? kind : KINDS[0];
  } catch {
    return KINDS[0]; // storage is forbidden in some private windows
  }
}

function store(kind) {
  try {
    localStorage.setItem(KEY, kind);
  } catch {
    // not remembered, still chosen
  }
}
