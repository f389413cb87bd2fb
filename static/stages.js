/**
 * The last turn's latency as a small picture, with the same in words.
 *
 * Two bars on one scale of time. Above, what the person waited for: their turn's end, the first
 * audio leaving the server, its playout here; these add up. Below, the work behind it: it is begun
 * while the server still waits for the end of the turn, so it costs less than it lasts.
 */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 400;
const GAP = 2;

/** In the order they happen. key: in the server's stages_ms, but `playout` is measured here. */
const STAGES = [
  { key: "end_of_turn", name: "End of turn", meaning: "being sure that you had finished" },
  { key: "recognition", name: "Recognition", meaning: "turning sounds into words" },
  { key: "retrieval", name: "Retrieval", meaning: "looking it up" },
  { key: "answer", name: "Answer", meaning: "finding all that there is to say" },
  { key: "first_audio", name: "First audio", meaning: "from your turn's end until it left" },
  { key: "playout", name: "Playout", meaning: "from arriving here until it was heard" },
];
const WAITED = ["end_of_turn", "first_audio", "playout"];
const WORKED = ["recognition", "retrieval", "answer"];

export class StagesView {
  constructor({ total, picture, legend }) {
    Object.assign(this, { total, picture, legend });
  }

  /** stages: milliseconds by key. A typed turn has no end of turn. */
  show(stages) {
    const timed = STAGES.filter(({ key }) => Number.isFinite(stages[key]));
    const whole = sum(stages, WAITED);
    if (whole === 0) return;
    const words = timed.map(({ key, name }) => `${name} ${milliseconds(stages[key])}`).join(", ");
    this.total.replaceChildren("Your last turn was answered in ", made("b", milliseconds(whole)));
    this.picture.replaceChildren(picture(stages, whole, words));
    this.legend.replaceChildren(...timed.map((stage) => entry(stage, stages[stage.key])));
  }
}

function picture(stages, whole, words) {
  const label = `Answered in ${milliseconds(whole)}: ${words}`;
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} 24`, preserveAspectRatio: "none", role: "img" });
  drawing.setAttribute("aria-label", label);
  const perMs = WIDTH / whole;
  drawing.append(...bar(stages, WAITED, 0, perMs, { y: 0, height: 15 }));
  // The answer begins with the retrieval: only what came after it is drawn as such.
  const work = { ...stages, answer: (stages.answer ?? 0) - (stages.retrieval ?? 0) };
  const lasted = sum(work, WORKED);
  const scale = Math.min(perMs, WIDTH / lasted);
  const sounded = perMs * (whole - (stages.playout ?? 0));
  const begun = Math.max(0, sounded - scale * lasted);
  drawing.append(...bar(work, WORKED, begun, scale, { y: 18, height: 6 }));
  return drawing;
}

function bar(stages, keys, from, perMs, place) {
  let x = from;
  return keys.filter((key) => stages[key] > 0).map((key) => {
    const length = perMs * stages[key];
    const shape = { class: `part ${key}`, x, width: Math.max(1, length - GAP), ...place };
    x += length;
    return svg("rect", shape);
  });
}

function entry({ key, name, meaning }, ms) {
  const item = made("li");
  item.title = `${name}: ${meaning}`;
  const swatch = made("i");
  swatch.className = `part ${key}`;
  item.append(swatch, name, " ", made("b", milliseconds(ms)));
  return item;
}

function sum(stages, keys) {
  return keys.reduce((total, key) => total + (stages[key] ?? 0), 0);
}

function milliseconds(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

function made(tag, text = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function svg(tag, attributes) {
  const shape = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) shape.setAttribute(name, value);
  return shape;
}
