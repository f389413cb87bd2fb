/** All rules: what each is for, whether it is live, how it fares. */
import { get, path } from "./api.js";
import { badge, el, empty, table } from "./dom.js";
import { funnelWords } from "./funnel-bar.js";
import { address } from "./router.js";

export function rulesRoom({ room, notices, router }) {
  const list = el("div", {});
  const newRule = el("a", { class: "pill solid", href: address("rules", ["+"]) }, "Write a rule");
  room.append(el("header", { class: "head" }, el("h1", {}, "Rules"), newRule), list);
  const load = async () => {
    try {
      const { rules, problems } = await get(path("rules"));
      list.replaceChildren(rules.length ? ruleTable(rules) : noRules());
      if (problems.length) list.prepend(fileProblems(problems));
    } catch (error) {
      notices.fail(error, load);
    }
  };
  router.again = load;
  load();
}

function ruleTable(rules) {
  const rows = rules.map((rule) => [
    el("div", {}, el("a", { href: address("rules", [rule.name]), class: "strong" }, rule.name), rule.description && el("p", { class: "soft" }, rule.description)),
    el("div", {}, badge(rule.status), rule.why && el("p", { class: "soft" }, rule.why)),
    rule.trigger_words,
    funnelWords(rule.funnel),
  ]);
  return table("Rules", ["Rule", "Status", "Trigger", "So far"], rows);
}

/** Files of the agent's folder that were not taken. The other rules stand. */
function fileProblems(problems) {
  const lines = problems.map(({ file, line, message }) => el("li", {}, el("b", {}, line ? `${file}, line ${line}` : file), ": ", message));
  return el("section", { class: "file-problems", "aria-label": "Files with mistakes" }, el("h2", {}, "Not taken from the agent's folder"), el("ul", {}, lines));
}

function noRules() {
  return empty(
    "No rules yet",
    "A rule says when to speak to whom, and what. Write one here, or put it into the agent's folder as outreach/NAME.yaml and start the server anew.",
  );
}
