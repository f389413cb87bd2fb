/** Asks for an operator's key, which is kept for this tab alone. See ../key.js. */
import { hasKey } from "../key.js";
import { el, field } from "./dom.js";

const PLACE = "overture.console.place"; // where to go on once the key is there
const FORM = /^[\w-]{1,256}$/;

const WORDS = {
  key: hasKey
    ? "This key is not known to the server. It may have been withdrawn, or mistyped."
    : "This server asks for a key.",
  forbidden: "This key is good, but not an operator's: it may not see or change outreach.",
};

/** Puts the form where the room was. error: the ApiError of kind "key" or "forbidden". */
export function askForKey(room, error) {
  if (room.querySelector(".key-entry")) return;
  const input = el("input", {
    type: "password",
    name: "key",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
  });
  const words = el("p", { role: "alert" }, WORDS[error.kind]);
  const hint = "`overture keys new NAME --role operator` prints one. It is kept in this tab only.";
  const form = el(
    "form",
    { class: "key-entry" },
    el("h1", {}, "An operator's key, please"),
    words,
    field("Key", input, hint),
    el("button", { class: "pill solid" }, "Use this key"),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const key = input.value.trim();
    if (FORM.test(key)) takeUp(key);
    else words.textContent = "A key has letters, digits, - and _ only. Copy it whole, without spaces.";
  });
  room.replaceChildren(form);
  input.focus();
}

/** key.js finds it in the address, takes it out again and loads the page anew. */
function takeUp(key) {
  try {
    sessionStorage.setItem(PLACE, location.hash);
  } catch {
    // storage is forbidden: the console begins at its first room
  }
  location.replace(`#key=${key}`);
}

/** Goes on where the key was asked for. */
export function goOn() {
  try {
    const place = sessionStorage.getItem(PLACE);
    sessionStorage.removeItem(PLACE);
    if (place && !location.hash) history.replaceState(null, "", place);
  } catch {
    // storage is forbidden
  }
}
