/** Time zones to choose from, the browser's own first. */
import { el } from "./dom.js";

export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** An input that completes names of zones. */
export function zoneInput(value = ownZone) {
  const names = Intl.supportedValuesOf?.("timeZone") ?? [];
  const list = el("datalist", { id: "zones" }, ["UTC", ...names].map((name) => el("option", { value: name })));
  const input = el("input", { name: "time_zone", list: "zones", value, autocomplete: "off", maxlength: 64 });
  return { input, list };
}
