/**
 * The house around the button: rows of seats lit by voices.
 *
 * The agent stands on the stage, so its voice runs from the button out to the last row; the
 * person's voice comes in from the last row to the button. While the agent thinks, one light walks
 * along the rows. Where motion is unwelcome, all rows show the level of the moment.
 */

const ROWS = 7;
const FIRST_ROW = 1.36; // radii of the button
const ROW_STEP = 0.235;
const SPREAD = 1.22 * Math.PI; // how far the rows reach around
const SEAT_PITCH = 0.235; // radii between neighbours
const ROW_DELAY = 3; // drawn frames from row to row, 50 ms
const WALK_MS = 1400; // the thinking light, from one end to the other

export class Seats {
  /** canvas fills its parent; colours are CSS custom properties of it. */
  constructor(canvas, button) {
    this.canvas = canvas;
    this.button = button;
    this.paint = canvas.getContext("2d");
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.past = { you: [], agent: [] }; // levels of the last frames, newest first
    this.thinking = false;
    new ResizeObserver(() => this.arrange()).observe(canvas);
    document.addEventListener("overture:theme", () => this.arrange());
    this.arrange();
  }

  arrange() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const scale = Math.min(devicePixelRatio, 2);
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    this.paint.setTransform(scale, 0, 0, scale, 0, 0);
    const house = this.canvas.getBoundingClientRect();
    const stage = this.button.getBoundingClientRect();
    const centre = { x: stage.x - house.x + stage.width / 2, y: stage.y - house.y + stage.height / 2 };
    this.seats = seatPlan(centre, this.button.offsetWidth / 2); // without its swelling to a voice
    const style = getComputedStyle(this.canvas);
    this.colours = Object.fromEntries(
      ["seat", "person", "agent"].map((name) => [name, style.getPropertyValue(`--${name}`)]),
    );
    this.draw({ you: 0, agent: 0 }, 0);
  }

  /** levels: loudness 0..1 of each side; now: milliseconds. Once per drawn frame. */
  draw(levels, now) {
    for (const side of ["you", "agent"]) {
      this.past[side].unshift(levels[side]);
      this.past[side].length = Math.min(this.past[side].length, ROWS * ROW_DELAY);
    }
    this.paint.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const seat of this.seats) this.drawSeat(seat, now);
  }

  /** True while a light is still on its way, so that drawing must go on. */
  get isLively() {
    return this.thinking || [...this.past.you, ...this.past.agent].some((level) => level > 0.01);
  }

  drawSeat(seat, now) {
    const agent = this.lit(seat, this.levelAt("agent", seat.row));
    const person = this.lit(seat, this.levelAt("you", ROWS - 1 - seat.row));
    const walking = this.thinking ? walkingLight(seat, now, this.still.matches) : 0;
    this.dot(seat, this.colours.seat, 1);
    const strongest = Math.max(agent, walking);
    if (person > strongest) this.dot(seat, this.colours.person, person);
    else if (strongest > 0) this.dot(seat, this.colours.agent, strongest);
  }

  levelAt(side, rowsAway) {
    const delay = this.still.matches ? 0 : rowsAway * ROW_DELAY;
    return this.past[side][delay] ?? 0;
  }

  /** Louder lights more seats, and brighter. */
  lit(seat, level) {
    return Math.min(1, Math.max(0, (level * 1.15 - seat.threshold * 0.8) * 3));
  }

  dot({ x, y, size }, colour, alpha) {
    this.paint.globalAlpha = alpha;
    this.paint.fillStyle = colour;
    this.paint.beginPath();
    this.paint.arc(x, y, size * (0.8 + 0.3 * alpha), 0, 2 * Math.PI);
    this.paint.fill();
  }
}

function seatPlan(centre, radius) {
  return Array.from({ length: ROWS }, (_, row) => {
    const distance = radius * (FIRST_ROW + ROW_STEP * row);
    const count = Math.round((SPREAD * distance) / (SEAT_PITCH * radius));
    return Array.from({ length: count }, (_, place) => {
      const along = place / (count - 1);
      const angle = -Math.PI / 2 + SPREAD * (along - 0.5);
      return {
        row,
        along,
        x: centre.x + distance * Math.cos(angle),
        y: centre.y + distance * Math.sin(angle),
        size: radius * 0.042,
        threshold: scatter(row, place),
      };
    });
  }).flat();
}

/** The same "random" number 0..1 for a seat each time. */
function scatter(row, place) {
  const mixed = Math.sin(row * 127.1 + place * 311.7) * 43758.5453;
  return mixed - Math.floor(mixed);
}

function walkingLight(seat, now, still) {
  if (still) return 0.35;
  const phase = (now % (2 * WALK_MS)) / WALK_MS;
  const at = phase < 1 ? phase : 2 - phase;
  return Math.max(0, 1 - Math.abs(seat.along - at) * 7) * 0.9;
}
