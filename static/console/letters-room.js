/** Messages whose handlers failed as often as they may: read, and sent again. */
import { get, path, post } from "./api.js";
import { button, el, empty, table, timely } from "./dom.js";
import { clock, count } from "./words.js";

export function lettersRoom({ room, notices, router }) {
  const box = el("div", {});
  room.append(el("header", { class: "head" }, el("h1", {}, "Dead letters")), box);
  const load = async () => {
    try {
      show(box, (await get(path("dead-letters"))).dead_letters, send);
    } catch (error) {
      notices.fail(error, load);
    }
  };
  const send = async ({ topic, group, letter }) => {
    try {
      await post(path("dead-letters", topic, group, letter, "resend"));
      notices.tell("It is with its handler again.");
    } catch (error) {
      notices.fail(error);
    }
    await load();
    box.querySelector("button, a")?.focus();
  };
  router.again = load;
  load();
}

function show(box, letters, send) {
  if (!letters.length) {
    box.replaceChildren(empty("No dead letters", "Every message found its handler. One that fails too often is kept here until you send it again."));
    return;
  }
  const rows = letters.map((letter) => [
    timely(clock(letter.died)),
    el("span", { class: "strong" }, letter.tag || letter.topic),
    `${letter.topic}, for ${letter.group}`,
    el("div", {}, el("p", {}, letter.reason || "no reason was left"), bodyOf(letter)),
    button("Send again", () => send(letter), { class: "pill small", "aria-label": `Send ${letter.tag || letter.topic} of ${clock(letter.died)} again` }),
  ]);
  box.replaceChildren(table("Dead letters, oldest first", ["Died", "Message", "Where", "Why", ""], rows));
}

function bodyOf({ body, attempt }) {
  const tries = el("summary", {}, `Tried ${count(attempt, "time")}; what it says`);
  return el("details", { class: "body" }, tries, el("pre", {}, body));
}
