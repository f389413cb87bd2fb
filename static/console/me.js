/** The name under which the operator tries things, kept for this tab. */

const NAME = "overture.console.me";

export function recall() {
  try {
    return sessionStorage.getItem(NAME) ?? "";
  } catch {
    return ""; // storage is forbidden
  }
}

export function remember(user) {
  try {
    sessionStorage.setItem(NAME, user.trim());
  } catch {
    // storage is forbidden: asked for again
  }
}
