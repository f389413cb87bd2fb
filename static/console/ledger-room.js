/** The ledger: every prompt, searched by person, rule, state and words. */
import { get, path } from "./api.js";
import { badge, button, el, empty, field, table, timely } from "./dom.js";
import { address } from "./router.js";
import { STATES, clock, count, plain } from "./words.js";

const PAGE = 50;
const FIELDS = ["user", "rule", "state", "text"];

export function ledgerRoom({ room, query, notices, router, announce }) {
  const asked = Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? ""]));
  const results = el("div", {});
  let prompts = [];
  let next = null;
  const load = async (more = false) => {
    try {
      const found = await get(path("outreach"), { ...asked, before: more ? next : "", limit: PAGE });
      prompts = more ? [...prompts, ...found.outreach] : found.outreach;
      next = found.next;
      show(results, prompts, { asked, more: next === null ? null : () => load(true) });
      if (!more) announce(prompts.length ? count(prompts.length, "prompt") : "No prompts found");
    } catch (error) {
      notices.fail(error, () => load(more));
    }
  };
  const form = searchForm(asked, (wanted) => {
    Object.assign(asked, wanted);
    router.settle(address("ledger", [], asked));
    notices.clear();
    load();
  });
  room.append(el("header", { class: "head" }, el("h1", {}, "Ledger")), form, results);
  router.again = () => load();
  load();
}

function searchForm(asked, search) {
  const states = el(
    "select",
    { name: "state" },
    el("option", { value: "" }, "any"),
    Object.keys(STATES).map((state) => el("option", { value: state, selected: state === asked.state }, plain(state))),
  );
  const input = (name) => el("input", { name, value: asked[name], maxlength: 256, autocomplete: "off" });
  const form = el(
    "form",
    { class: "fields search", role: "search" },
    field("Person", input("user")),
    field("Rule", input("rule")),
    field("State", states),
    field("Words", input("text")),
    el("button", { class: "pill solid" }, "Search"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = new FormData(form);
    search(Object.fromEntries(FIELDS.map((name) => [name, given.get(name).trim()])));
  });
  states.addEventListener("change", () => form.requestSubmit());
  return form;
}

function show(box, prompts, { asked, more }) {
  if (!prompts.length) {
    const searched = Object.values(asked).some(Boolean);
    box.replaceChildren(
      searched
        ? empty("No prompt is like that", "Leave a field empty to find more; names are matched whole, words anywhere.")
        : empty("No prompts yet", "When a rule's trigger happens, or somebody asks for POST /v1/outreach, its whole story is kept here."),
    );
    return;
  }
  const rows = prompts.map(({ id, born, text, user, rule, test, state, why }) => [
    timely(clock(born)),
    el("a", { class: "strong", href: address("ledger", [id]) }, text),
    user,
    [rule || "by request", test && "a test"].filter(Boolean).join(", "),
    el("div", {}, badge(state, plain(state)), why && el("p", { class: "soft" }, why)),
  ]);
  box.replaceChildren(
    table("Prompts, newest first", ["When", "Words", "Person", "Rule", "State"], rows),
    ...(more ? [button("Older ones", more)] : []),
  );
}
