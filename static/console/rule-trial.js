/** Sends a rule's prompt to the operator themself. */
import { path, post } from "./api.js";
import { button, el, field } from "./dom.js";
import { recall, remember } from "./me.js";
import { address } from "./router.js";

/** name: of the saved rule. */
export function ruleTrial(name, { notices }) {
  const user = el("input", { name: "user", maxlength: 256, autocomplete: "off", required: true, value: recall() });
  const hint = "Open the talk page as this person (?user=NAME) and it is spoken there. It counts nowhere.";
  const form = el("form", { class: "fields" }, field("To", user, hint), button("Send a test", () => form.requestSubmit()));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    remember(user.value);
    try {
      const sent = await post(path("rules", name, "test"), { user: user.value.trim() });
      notices.tell("The test is on its way. ", el("a", { href: address("ledger", [sent.id]) }, "See its story"));
    } catch (error) {
      notices.fail(error);
    }
  });
  return el("section", { class: "card", "aria-label": "Test" }, el("h2", {}, "Send a test to myself"), form);
}
