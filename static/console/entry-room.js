/** One prompt's whole story, with what each step was decided on. */
import { get, path, remove } from "./api.js";
import { ask } from "./dialog.js";
import { badge, button, el } from "./dom.js";
import { address } from "./router.js";
import { Follower } from "./sse.js";
import { whyItWaited, withSpans } from "./story.js";
import { STATES, clock, count, plain, span } from "./words.js";

const GATHER_MS = 100; // the steps so far come all at once

export function entryRoom({ room, rest: [id], notices, router }) {
  let timer = null;
  let over = false;
  const load = async () => {
    clearTimeout(timer);
    timer = null;
    try {
      const told = await get(path("outreach", id));
      over = told.over;
      draw(room, told, withdraw);
    } catch (error) {
      notices.fail(error, load);
    }
  };
  const withdraw = async () => {
    const why = await ask({
      title: "Withdraw this prompt?",
      text: "It is not said any more. The ledger keeps that it was withdrawn.",
      confirm: "Withdraw it",
      reason: "",
    });
    if (why === null) return;
    try {
      await remove(path("outreach", id));
      await load();
    } catch (error) {
      notices.fail(error);
    }
  };
  router.again = load;
  load();
  const follower = new Follower(path("outreach", id, "events"), {
    onEvent: () => (timer ??= setTimeout(load, GATHER_MS)),
    onLink: (_, error) => error && error.kind !== "missing" && notices.fail(error),
    isOver: () => over,
  });
  return () => {
    clearTimeout(timer);
    follower.leave();
  };
}

function draw(room, prompt, withdraw) {
  const { text, state, steps, over } = prompt;
  const back = el("a", { class: "back", href: address("ledger") }, "Ledger");
  const head = el("div", {}, back, el("h1", { class: "said" }, text));
  const press = !over && state !== "speaking" && button("Withdraw it", withdraw);
  const now = Date.now() / 1000;
  const moments = withSpans(steps, over, now).map((step) => moment(step));
  room.replaceChildren(
    el("header", { class: "head" }, head, press),
    el("p", { class: "where" }, badge(state, plain(state)), el("span", {}, STATES[state] ?? "")),
    el("p", { class: "why", id: "why" }, whyItWaited(steps, over, now)),
    facts({ ...prompt.outreach, ...prompt }),
    el("h2", {}, "What happened"),
    el("ol", { class: "timeline" }, moments),
  );
}

function facts(prompt) {
  const rule = prompt.rule
    ? el("a", { href: address("rules", [prompt.rule]) }, `${prompt.rule}, version ${prompt.version}`)
    : "none: it was asked for directly";
  const lines = [
    ["Person", el("a", { href: address("ledger", [], { user: prompt.user }) }, prompt.user)],
    ["Rule", rule],
    ["Because", prompt.reason],
    ["Purpose", prompt.purpose],
    ["Priority", prompt.priority],
    ["Occurrence", prompt.key],
    ["Good until", clock(prompt.expires)],
    ["Begun", prompt.begun ? count(prompt.begun, "time") : ""],
    ["Test", prompt.test ? "yes: it counts nowhere" : ""],
    ["Id", prompt.id],
  ];
  return el("dl", { class: "facts" }, lines.filter(([, told]) => told).map(([name, told]) => el("div", {}, el("dt", {}, name), el("dd", {}, told))));
}

function moment({ state, at, by, reason, words, evidence, lasted }) {
  const known = Object.entries(evidence ?? {});
  return el(
    "li",
    { data: { state } },
    el("p", { class: "moment" }, el("time", { datetime: new Date(at * 1000).toISOString() }, clock(at)), badge(state, plain(state)), lasted > 0 && !words && el("span", { class: "soft" }, `for ${span(lasted)}`)),
    el("p", {}, reason || STATES[state] || ""),
    words && el("p", { class: "soft" }, words),
    known.length > 0 && el("dl", { class: "evidence" }, known.map(([name, told]) => el("div", { class: Array.isArray(told) && "wide" }, el("dt", {}, plain(name)), el("dd", {}, evidenceWords(told))))),
    by && el("p", { class: "soft" }, `by ${by}`),
  );
}

function evidenceWords(told) {
  if (Array.isArray(told)) return told.map((each) => plain(evidenceWords(each))).join(", ");
  return typeof told === "string" ? told : JSON.stringify(told);
}
