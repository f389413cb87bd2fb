/** Draft, shadow, live, paused: what a rule may do, and the buttons that change it. */
import { path, post } from "./api.js";
import { ask } from "./dialog.js";
import { button, el } from "./dom.js";

const STATUSES = {
  draft: { words: "Draft", means: "Written down only. Nothing is matched." },
  shadow: { words: "Shadow", means: "Everything but the speaking: the funnel shows what would be said." },
  live: { words: "Live", means: "It speaks to people." },
  paused: { words: "Paused", means: "It says nothing until it is live again." },
};

/** why: it has that status, if anybody said. changed(): it has another now. */
export function ruleStatus({ name, status, why }, { notices, changed }) {
  const press = async (wanted) => {
    const reason = wanted === "live" ? await ask(goingLive(name)) : "";
    if (reason === null) return;
    try {
      await post(path("rules", name, "status"), { status: wanted, why: reason });
      notices.tell(`${name}: ${STATUSES[wanted].words.toLowerCase()} now.`);
      changed();
    } catch (error) {
      notices.fail(error);
    }
  };
  const buttons = Object.entries(STATUSES).map(([each, { words }]) =>
    button(words, () => each !== status && press(each), {
      class: "segment",
      "aria-pressed": String(each === status),
      data: { status: each },
    }),
  );
  const group = el("div", { class: "segments", role: "group", "aria-label": "Status" }, buttons);
  return el("div", { class: "status" }, group, el("p", { class: "soft" }, [STATUSES[status]?.means, why].filter(Boolean).join(" ")));
}

function goingLive(name) {
  return {
    title: `Put ${name} live?`,
    text: "From now on it speaks to people, as its audience and policy say.",
    confirm: "Put it live",
  };
}
