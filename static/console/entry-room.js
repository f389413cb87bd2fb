/** One prompt's whole story, with what each step was decided on. */
import { get, path, remove } from "./api.js";
import { ask } from "./dialog.js";
import { badge, button, el } from "./dom.js";
import { address } from "./router.js";
import { Follower } from "./sse.js";
import { whyItWaited, withSpans } from "./story.js";
import { OVER, STATES, clock, plain, span } from "./words.js";

export function entryRoom({ room, rest: [id], notices }) {
  const load = async () => {
    try {
      draw(room, await get(path("outreach", id)), withdraw);
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
  load();
  const follower = new Follower(path("outreach", id, "events"), {
    onEvent: load,
    onLink: (_, error) => error && error.kind !== "missing" && notices.fail(error),
  });
  return () => follower.leave();
}

function draw(room, { outreach, state, steps, begun }, withdraw) {
  const back = el("a", { class: "back", href: address("ledger") }, "Ledger");
  const head = el("div", {}, back, el("h1", { class: "said" }, outreach.text));
  const press = !OVER.has(state) && button("Withdraw it", withdraw);
  const now = Date.now() / 1000;
  const moments = withSpans(steps, now).map((step) => moment(step));
  room.replaceChildren(
    el("header", { class: "head" }, head, press),
    el("p", { class: "where" }, badge(state, plain(state)), el("span", {}, STATES[state] ?? "")),
    el("p", { class: "why", id: "why" }, whyItWaited(steps, now)),
    facts(outreach, begun),
    el("h2", {}, "What happened"),
    el("ol", { class: "timeline" }, moments),
  );
}

function facts(outreach, begun) {
  const rule = outreach.rule
    ? el("a", { href: address("rules", [outreach.rule]) }, `${outreach.rule}, version ${outreach.version}`)
    : "none: it was asked for directly";
  const lines = [
    ["Person", el("a", { href: address("ledger", [], { user: outreach.user }) }, outreach.user)],
    ["Rule", rule],
    ["Because", outreach.reason],
    ["Purpose", outreach.purpose],
    ["Priority", outreach.priority],
    ["Occurrence", outreach.key],
    ["Good until", clock(outreach.expires)],
    ["Begun", begun ? `${begun} time${begun === 1 ? "" : "s"}` : ""],
    ["Test", outreach.test ? "yes: it counts nowhere" : ""],
    ["Id", outreach.id],
  ];
  return el("dl", { class: "facts" }, lines.filter(([, told]) => told).map(([name, told]) => el("div", {}, el("dt", {}, name), el("dd", {}, told))));
}

function moment({ state, at, by, reason, evidence, lasted }) {
  const known = Object.entries(evidence ?? {});
  return el(
    "li",
    { data: { state } },
    el("p", { class: "moment" }, el("time", { datetime: new Date(at * 1000).toISOString() }, clock(at)), badge(state, plain(state)), lasted ? el("span", { class: "soft" }, `for ${span(lasted)}`) : null),
    el("p", {}, reason || STATES[state] || ""),
    known.length > 0 && el("dl", { class: "evidence" }, known.map(([name, told]) => el("div", {}, el("dt", {}, plain(name)), el("dd", {}, evidenceWords(told))))),
    by && el("p", { class: "soft" }, `by ${by}`),
  );
}

function evidenceWords(told) {
  return typeof told === "string" ? told : JSON.stringify(told);
}
