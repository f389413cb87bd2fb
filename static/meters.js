/** Level meters: how loud each side is, in decibels, with a bar that falls slower than it rises. */

const FLOOR_DB = -60; // a quiet room; 0 on the meter
const CEILING_DB = -9; // a loud voice; full
const FALL = 0.05; // of the scale per drawn frame: calm to look at

/** RMS 0..1 to a share of the scale, 0..1. */
export function loudness(rms) {
  const decibels = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, (decibels - FLOOR_DB) / (CEILING_DB - FLOOR_DB)));
}

export class Meter {
  /** track: an element with role meter and one child, the bar. */
  constructor(track) {
    this.track = track;
    this.bar = track.firstElementChild;
    this.target = 0;
    this.shown = 0;
  }

  set(rms) {
    this.target = loudness(rms);
  }

  /** Once per drawn frame; false when nothing moved. */
  draw() {
    const next = Math.max(this.target, this.shown - FALL);
    if (next === this.shown) return false;
    this.shown = next;
    this.bar.style.setProperty("--level", next.toFixed(3));
    const tenths = String(10 * Math.round(10 * next)); // finer would only load screen readers
    if (this.track.ariaValueNow !== tenths) this.track.ariaValueNow = tenths;
    return true;
  }
}
