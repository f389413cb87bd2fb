/** A rule's versions, newest first: which one speaks, and what each said. */
import { button, el } from "./dom.js";
import { clock } from "./words.js";

/** versions: [{version, at, by, text}]. current: number of the one in force. onOpen(version). */
export function ruleVersions(versions, current, onOpen) {
  const lines = versions.map((each) =>
    el(
      "li",
      {},
      el("b", {}, `Version ${each.version}`),
      el("span", { class: "soft" }, [each.at && clock(each.at), each.by && `by ${each.by}`, each.version === current && "in force"].filter(Boolean).join(" · ")),
      button("Open", () => onOpen(each), { class: "pill small", "aria-label": `Open version ${each.version} in the editor` }),
    ),
  );
  return el("section", { class: "card", "aria-label": "Versions" }, el("h2", {}, "Versions"), el("ol", { class: "versions" }, lines));
}
