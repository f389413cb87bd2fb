/** How far a rule's prompts came, as rows of numbers with bars. */
import { el } from "./dom.js";
import { FUNNEL, check, plain } from "./words.js";

/** funnel: state, or "suppressed:REASON", -> how many. Rows with the reasons below "suppressed". */
export function funnelRows(funnel) {
  const most = Math.max(1, ...FUNNEL.map((state) => funnel[state] ?? 0));
  const rows = FUNNEL.filter((state) => funnel[state] || ["matched", "published", "heard"].includes(state));
  const others = Object.keys(funnel).filter((name) => !FUNNEL.includes(name) && !name.includes(":") && funnel[name]);
  return el(
    "dl",
    { class: "funnel" },
    [...rows, ...others].map((state) => [
      funnelRow(state, funnel[state] ?? 0, most),
      state === "suppressed" && reasons(funnel).map(([why, number]) => funnelRow(state, number, most, why)),
    ]),
  );
}

function reasons(funnel) {
  const named = Object.entries(funnel).filter(([name]) => name.startsWith("suppressed:"));
  return named.map(([name, number]) => [name.slice(11), number]).sort((one, other) => other[1] - one[1]);
}

function funnelRow(state, number, most, why = null) {
  const bar = el("i", { "aria-hidden": "true" });
  bar.style.setProperty("--share", number / most);
  return el(
    "div",
    { data: { state, ...(why !== null && { why }) } },
    el("dt", {}, why === null ? plain(state) : check(why)),
    el("dd", {}, el("span", { class: "track" }, bar), el("b", {}, String(number))),
  );
}

/** One line for a list: "12 matched · 9 heard · 1 interrupted". */
export function funnelWords(funnel) {
  const told = ["matched", "heard", "interrupted", "converted"].filter((state) => funnel[state]);
  return told.length ? told.map((state) => `${funnel[state]} ${state}`).join(" · ") : "nothing yet";
}
