/** What a rule would do: its next firings in a zone, and what the policy says for one person. */
import { path, post } from "./api.js";
import { badge, button, el, field, table } from "./dom.js";
import { recall, remember } from "./me.js";
import { clock, fromNow, plain } from "./words.js";
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
      const asked = { user: user.value.trim(), time_zone: zone.value.trim(), text: text() };
      show(shown, await post(path("rules", name(), "preview"), asked), asked);
    } catch (error) {
      fail(error);
    }
  });
  return el("section", { class: "card", "aria-label": "Preview" }, el("h2", {}, "Preview"), form, shown);
}

function show(box, { firings = [], checks = [] }, { time_zone: zone, user }) {
  box.replaceChildren(
    el("h3", {}, `Next firings in ${zone || "UTC"}`),
    firings.length ? firingTable(firings) : el("p", { class: "soft" }, "It has no times of its own: it fires when its trigger happens."),
    el("h3", {}, user ? `For ${user}, now` : "For anybody, now"),
    checks.length ? el("ol", { class: "checks" }, checkLines(checks)) : el("p", { class: "soft" }, "Nothing to check."),
  );
}

function firingTable(firings) {
  const rows = firings.map(({ at, local, clock_change: change }) => [
    el("span", {}, local, change && el("span", { class: "clock-change" }, change)),
    fromNow(at),
  ]);
  return table("Next firings", ["Local time", ""], rows);
}

function checkLines(checks) {
  const first = checks.findIndex((check) => !check.passed);
  return checks.map((check, at) => {
    const verdict = check.passed ? "yes" : at === first ? "no: it ends here" : "no";
    return el(
      "li",
      { data: { passed: String(check.passed) } },
      badge(check.passed ? "heard" : "failed", verdict),
      el("b", {}, plain(check.name)),
      check.reason && el("span", {}, check.reason),
      check.until && el("span", { class: "soft" }, `until ${clock(check.until)}`),
    );
  });
}
