/** The talk page: joins the talk to what is seen, pressed and announced. */
import { fetchAgent, introduce } from "./agent-card.js";
import { Bell } from "./bell.js";
import { ConversationView } from "./conversation-view.js";
import { hasKey } from "./key.js";
import { OutreachCards } from "./outreach-card.js";
import { StageView } from "./stage-view.js";
import { StagesView } from "./stages.js";
import { Talk } from "./talk.js";
import { TroubleView, standingTrouble } from "./troubles.js";
import { WireChoice } from "./wire-choice.js";

const at = (id) => document.getElementById(id);
const announce = (text) => (at("announcer").textContent = text);
const query = new URLSearchParams(location.search);

const conversation = new ConversationView(at("log"), at("script"));
const stage = new StageView(at, announce);
const trouble = new TroubleView(at("trouble"), retry);
const bell = new Bell(at("bell"));
const cards = new OutreachCards(at("cards"), {
  onStop: (id) => talk.stopOutreach(id),
  onShown: (id) => talk.shownOutreach(id),
  announce,
});
const stages = new StagesView({
  total: at("turn-total"),
  picture: at("turn-picture"),
  legend: at("turn-legend"),
});

const agent = await meetAgent();
const who = { model: query.get("model") ?? agent?.model ?? "", ...whoTalks() };
const talk = new Talk(who, conversation, {
  state: showState,
  joined: () => announce(talk.mic === "off" ? "Connected." : "Connected. Listening."),
  trouble: (name, more) => trouble.show(name, more),
  clear: (...names) => trouble.clear(...names),
  level: (side, rms) => stage.level(side, rms),
  turn: (times) => stages.show(times),
  heardPerson: (text) => announce(`You said: ${text}`),
  card: showCard,
  cardGone: (id) => cards.gone(id),
});
at("turn").open = !matchMedia("(max-width: 600px)").matches; // a phone shows the bar alone
const choice = new WireChoice(at("wire"), (kind) => talk.prefer(kind));
talk.prefer(choice.kind);
talk.client.iceServers = agent?.ice_servers ?? [];
bindControls();
exposeCounters();
if (standingTrouble()) trouble.show(standingTrouble());

/** The model to connect to; null if the server is away. */
async function meetAgent() {
  try {
    const met = await fetchAgent();
    introduce(met, at, (text) => talk.type(text));
    conversation.agentName = met.name;
    return { model: met.id };
  } catch {
    trouble.show("gone");
    return null;
  }
}

/** {user}: ?user= of the page, else a random name remembered in this browser, if no key says it. */
function whoTalks() {
  const named = query.get("user");
  if (named) return { user: named };
  if (hasKey) return {};
  const random = `guest-${crypto.getRandomValues(new Uint32Array(2)).join("")}`;
  try {
    const known = localStorage.getItem("overture.user") ?? random;
    localStorage.setItem("overture.user", known);
    return { user: known };
  } catch {
    return { user: random }; // storage is forbidden: a stranger each time
  }
}

function showState() {
  const { state, link, kind, mic, interruptible } = talk;
  stage.show({ state, link, kind, mic, interruptible });
  at("welcome").hidden = conversation.personSpoke;
  at("greeting").hidden = !conversation.isEmpty;
  document.body.toggleAttribute("data-begun", !conversation.isEmpty);
  document.body.toggleAttribute("data-spoke", conversation.personSpoke);
}

/** The agent speaks first, here or in another tab. */
function showCard(card, isSilent) {
  cards.show(card, isSilent);
  if (card.spoken_here) bell.ring(card.outreach_id, conversation.agentName, card.text);
}

// What is pressed

function bindControls() {
  at("talk").addEventListener("click", pressTalk);
  at("mute").addEventListener("click", toggleMute);
  at("interrupt").addEventListener("click", () => talk.interrupt());
  at("end").addEventListener("click", () => talk.end());
  at("composer").addEventListener("submit", sendTyped);
  document.addEventListener("keydown", pressKey);
  window.addEventListener("pagehide", () => talk.end());
}

function pressTalk(press) {
  if (press?.detail > 1) return; // the second click of a double one would take the first back
  if (talk.state === "away") talk.retry();
  else if (talk.state === "connecting") talk.end();
  else if (talk.mic === "off") startTalking();
  else toggleMute();
}

function startTalking() {
  const hindered = standingTrouble();
  if (hindered) trouble.show(hindered);
  else talk.start();
}

function toggleMute() {
  talk.mute(talk.mic === "open");
}

function retry(name) {
  if (agent === null) location.reload(); // the page lacks the agent's name and examples
  else if (["gone", "full", "refused", "offline"].includes(name)) talk.retry();
  else startTalking();
}

function sendTyped(event) {
  event.preventDefault();
  const text = at("say").value.trim();
  if (!text) return;
  at("say").value = "";
  talk.type(text);
}

/** Esc everywhere; M and Space only where they would not type or press something else. */
function pressKey(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const typing = event.target.closest("input");
  const pressing = event.target.closest("button, a");
  if (event.key === "Escape") {
    talk.interrupt();
  } else if (event.key.toLowerCase() === "m" && !typing) {
    toggleMute();
  } else if (event.key === " " && !typing && !pressing) {
    event.preventDefault();
    pressTalk();
  }
}

/** What tests may read, and only read. */
function exposeCounters() {
  const read = {
    state: () => talk.state,
    link: () => talk.link,
    wire: () => talk.kind,
    playedSamples: () => talk.speaker?.counters.played ?? 0,
    peakLevel: () => talk.speaker?.counters.peak ?? 0,
    underruns: () => talk.speaker?.counters.underruns ?? 0,
    lateMs: () => talk.speaker?.counters.lateMs ?? 0,
    itemsSeen: () => talk.dialogue.items,
    lastTurn: () => talk.lastTurn,
  };
  const getters = Object.entries(read).map(([name, get]) => [name, { get, enumerable: true }]);
  window.overture = Object.defineProperties({}, Object.fromEntries(getters));
}
