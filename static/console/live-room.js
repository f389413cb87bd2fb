/** Who talks where, and who has the floor. No words of theirs, and no listening in. */
import { get, path } from "./api.js";
import { badge, el, empty, table, timely } from "./dom.js";
import { count, fromNow } from "./words.js";

const EVERY_MS = 2000;
const FLOOR = { idle: "free", listening: "the person", thinking: "the agent thinks", speaking: "the agent" };

export function liveRoom({ room, notices }) {
  const box = el("div", {});
  const note = el("p", { class: "soft" }, "What people say is not shown, and nobody can listen in.");
  room.append(el("header", { class: "head" }, el("h1", {}, "Live"), note), box);
  let timer = null;
  let left = false;
  const load = async () => {
    clearTimeout(timer);
    try {
      if (!document.hidden) show(box, await get(path("live")));
      if (!document.hidden) notices.clear("gone", "unavailable");
    } catch (error) {
      notices.fail(error);
      if (error.kind === "key" || error.kind === "forbidden") return;
    }
    if (!left) timer = setTimeout(load, EVERY_MS);
  };
  load();
  return () => {
    left = true;
    clearTimeout(timer);
  };
}

function show(box, { sessions, instances, bus }) {
  const now = Date.now() / 1000;
  const talks = sessions.map((each) => [
    el("span", { class: "strong" }, each.user),
    [each.transport, each.text_only && "text only"].filter(Boolean).join(", "),
    each.instance ?? "",
    FLOOR[each.floor] ?? each.floor,
    timely(fromNow(each.since, now)),
    timely(fromNow(each.active, now)),
    [count(each.turns, "turn"), each.last_intent && `last: ${each.last_intent}`, each.form && `in the form ${each.form}`].filter(Boolean).join(" · "),
    each.time_zone,
  ]);
  const servers = instances.map((each) => [
    el("span", { class: "strong" }, each.instance),
    each.address,
    timely(fromNow(each.started, now)),
    String(each.sessions),
    each.draining ? badge("held", "draining") : badge("heard", "taking sessions"),
    each.bus_trouble ? el("span", { class: "alarm" }, each.bus_trouble) : "flows",
  ]);
  box.replaceChildren(
    el("h2", {}, count(sessions.length, "session")),
    talks.length
      ? table("Sessions", ["Person", "Over", "Instance", "Floor", "Since", "Active", "So far", "Time zone"], talks)
      : empty("Nobody is talking", "Open the talk page, and the session stands here within a second or two."),
    el("h2", {}, count(instances.length, "instance")),
    el("p", { class: bus.trouble ? "alarm" : "soft" }, `The bus: ${bus.name}${bus.trouble ? `, which does not flow: ${bus.trouble}` : ""}`),
    table("Instances", ["Instance", "Address", "Started", "Sessions", "State", "Bus"], servers),
  );
}
