/** The operator's console: joins its rooms, the kill switch and what is told above them. */
import { hasKey } from "../key.js";
import { entryRoom } from "./entry-room.js";
import { funnelRoom } from "./funnel-room.js";
import { KillSwitch } from "./kill-switch.js";
import { askForKey, goOn } from "./key-entry.js";
import { ledgerRoom } from "./ledger-room.js";
import { lettersRoom } from "./letters-room.js";
import { liveRoom } from "./live-room.js";
import { Notices } from "./notices.js";
import { Pulse } from "./pulse.js";
import { Router } from "./router.js";
import { ruleRoom } from "./rule-room.js";
import { rulesRoom } from "./rules-room.js";

const at = (id) => document.getElementById(id);
const announce = (text) => (at("announcer").textContent = text);

if (hasKey) goOn();
const notices = new Notices(at("notices"), {
  announce,
  onKey: (error) => askForKey(at("room"), error),
});
const killSwitch = new KillSwitch(at, (error) => notices.fail(error));
const router = new Router(
  {
    rules: { title: "Rules", enter: (context) => (context.rest.length ? ruleRoom : rulesRoom)(context) },
    funnel: { title: "Funnel", enter: funnelRoom },
    ledger: { title: "Ledger", enter: (context) => (context.rest.length ? entryRoom : ledgerRoom)(context) },
    live: { title: "Live", enter: liveRoom },
    "dead-letters": { title: "Dead letters", enter: lettersRoom },
  },
  at("room"),
  at("rooms"),
  { notices, announce },
);
const pulse = new Pulse({
  onSwitch: (state) => killSwitch.show(state),
  onDegraded: (words) => notices.degraded(words),
  onBack: () => {
    notices.clear("gone", "unavailable");
    router.again();
  },
  onFail: (error) => {
    notices.fail(error);
    killSwitch.unknown(error);
  },
});
router.enter();
pulse.beat();
