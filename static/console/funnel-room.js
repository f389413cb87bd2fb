/** Every rule's funnel, as it narrows now. */
import { get, path } from "./api.js";
import { el, empty } from "./dom.js";
import { funnelRows } from "./funnel-bar.js";
import { address } from "./router.js";
import { Follower } from "./sse.js";

const GATHER_MS = 250; // steps come in bursts: one question for all of them

export function funnelRoom({ room, notices }) {
  const link = el("p", { class: "live-link", role: "status" }, "Connecting…");
  const boxes = el("div", { class: "funnels" });
  room.append(el("header", { class: "head" }, el("h1", {}, "Funnel"), link), boxes);
  let timer = null;
  const load = async () => {
    timer = null;
    try {
      show(boxes, (await get(path("outreach", "funnel"))).rules);
    } catch (error) {
      notices.fail(error, load);
    }
  };
  const follower = new Follower(path("outreach", "events"), {
    onEvent: () => (timer ??= setTimeout(load, GATHER_MS)),
    onLink: (state, error) => {
      link.dataset.link = state;
      link.textContent = state === "open" ? "Live" : "Not live: coming back…";
      if (state === "open") load(); // what happened before it was followed
      else if (error) notices.fail(error);
    },
  });
  load();
  return () => {
    clearTimeout(timer);
    follower.leave();
  };
}

function show(boxes, funnels) {
  const rules = Object.entries(funnels).sort(([one], [other]) => one.localeCompare(other));
  if (!rules.length) {
    boxes.replaceChildren(
      empty("Nothing has happened yet", "Put a rule live or in shadow, then let its trigger happen: each step is counted here as it is taken.", el("a", { class: "pill", href: address("rules") }, "To the rules")),
    );
    return;
  }
  boxes.replaceChildren(...rules.map(([name, funnel]) => funnelCard(name, funnel)));
}

function funnelCard(name, funnel) {
  const title = name
    ? el("h2", {}, el("a", { href: address("rules", [name]) }, name))
    : el("h2", {}, "Said without a rule");
  const prompts = el("a", { href: address("ledger", [], { rule: name }) }, "Prompts");
  return el("section", { class: "card", "aria-label": name || "Without a rule", data: { rule: name } }, title, funnelRows(funnel), el("p", {}, prompts));
}
