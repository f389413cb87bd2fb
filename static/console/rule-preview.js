/** What a rule would do: its next firings in a zone, and what the policy says for one person. */
import { path, post } from "./api.js";
import { badge, button, el, field, timely } from "./dom.js";
import { recall, remember } from "./me.js";
import { check as checkWords, clock, fromNow } from "./words.js";
import { zoneInput } from "./zones.js";

/** name(), text(): of the rule as it is written now. fail(error). */
export function rulePreview({ name, text, fail }) {
  const user = el("input", { name: "user", maxlength: 256, autocomplete: "off", value: recall() });
  const { input: zone, list } = zoneInput();
  const shown = el("div", { class: "previewed", "aria-live": "polite" });
  const form = el(
    "form",
    { class: "fields" },
    field("Person", user, "Whose consent, caps and sessions are looked at."),
    field("Time zone", zone),
    list,
    button("Preview", () => form.requestSubmit(), { class: "pill" }),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    remember(user.value);
    try {
      const asked = { ...given({ user: user.value.trim(), time_zone: zone.value.trim() }), text: text() };
      show(shown, await post(path("rules", name(), "preview"), asked), asked);
    } catch (error) {
      fail(error);
    }
  });
  return el("section", { class: "card", "aria-label": "Preview" }, el("h2", {}, "Preview"), form, shown);
}

const DECISIONS = {
  speak: "It would be said now:",
  hold: "It would wait for its moment, then be said:",
  suppress: "It would not be said:",
  holdout: "It would not be said; this person is in the share that hears nothing:",
  shadow: "It would be said if the rule were live:",
};

function show(box, { decision, text, firings, checks }, { time_zone: zone = "UTC", user }) {
  const shown = [
    user && text && el("p", { class: "would-say" }, `${DECISIONS[decision] ?? decision} “${text}”`),
    el("h3", {}, `Next firings in ${zone}`),
    firings.length ? el("ol", { class: "firings" }, firings.map(firingLine)) : el("p", { class: "soft" }, "It has no times of its own: it fires when its trigger happens."),
    el("h3", {}, user ? `For ${user}, now` : "For a person"),
    checks.length ? el("ol", { class: "checks" }, checkLines(checks, decision)) : el("p", { class: "soft" }, "Name a person to see what each check says of them."),
  ];
  box.replaceChildren(...shown.filter(Boolean));
}

function firingLine({ at, local, clock_change: change }) {
  const when = el("span", {}, local.replace("T", " "), change && el("span", { class: "clock-change" }, change));
  return el("li", {}, when, timely(fromNow(at)));
}

function checkLines(checks, decision) {
  const ends = decision === "hold" ? "not yet" : "no: it ends here";
  const first = checks.findIndex((check) => !check.passed);
  return checks.map((check, at) => {
    const verdict = check.passed ? "yes" : at === first ? ends : "no";
    return el(
      "li",
      { data: { passed: String(check.passed) } },
      badge(check.passed ? "heard" : verdict === "not yet" ? "held" : "failed", verdict),
      el("b", {}, checkWords(check.name)),
      check.reason && el("span", {}, check.reason),
      check.until && el("span", { class: "soft" }, `until ${clock(check.until)}`),
    );
  });
}

function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value));
}
