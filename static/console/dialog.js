/** Asks before something that many people would notice. */
import { button, el, field } from "./dom.js";

/**
 * title, text: what is about to happen. confirm: the words on the button that does it. danger: in
 * alarm's colour. reason: "" for no reason, "optional", or "required".
 * Resolves with the reason, "" if none was given, null if it was called off.
 */
export function ask({ title, text, confirm, danger = false, reason = "optional" }) {
  const why = el("input", { name: "why", maxlength: 300, autocomplete: "off", required: reason === "required" });
  const label = reason === "required" ? "Why? Everybody here reads it." : "Why? (may be left empty)";
  const dialog = el("dialog", { class: "ask", "aria-labelledby": "ask-title" });
  const form = el(
    "form",
    { method: "dialog" },
    el("h2", { id: "ask-title" }, title),
    el("p", {}, text),
    reason && field(label, why),
    el(
      "div",
      { class: "row" },
      el("button", { class: danger ? "pill solid danger" : "pill solid", value: "yes" }, confirm),
      button("Leave it", () => dialog.close("")),
    ),
  );
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  if (reason) why.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? why.value.trim() : null);
    });
  });
}
