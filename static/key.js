/**
 * The key that an invitation brought (`#key=...`), for servers that ask for one.
 *
 * A fragment is never sent to a server, so it is in no log. It is taken out of the address, lest it
 * be in the history or on a shared screen, and kept for this tab alone.
 */
const NAME = "overture.key";

const key = takeKey();
// Another invitation opened in this tab changes the fragment only.
window.addEventListener("hashchange", () => keyInAddress() && location.reload());

/** What is in it could not be sent in a header if it were anything else. */
function keyInAddress() {
  return /^#key=([\w-]{1,256})$/.exec(location.hash)?.[1] ?? null;
}

function takeKey() {
  const given = keyInAddress();
  if (given) history.replaceState(null, "", location.pathname + location.search);
  try {
    if (given) sessionStorage.setItem(NAME, given);
    return sessionStorage.getItem(NAME);
  } catch {
    return given; // storage is forbidden: good until the page is loaded again
  }
}

/** A key says whose it is: nobody else need be named. */
export const hasKey = key !== null;

/** For fetch. */
export const keyHeaders = hasKey ? { Authorization: `Bearer ${key}` } : {};

/** For a WebSocket, which cannot have headers of its own. */
export const keyProtocols = hasKey ? ["realtime", `openai-insecure-api-key.${key}`] : [];
