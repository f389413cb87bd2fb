/** Which room the address names: `#/ROOM/REST?QUERY`. */

import { el } from "./dom.js";

/** hash: location.hash. rest: the decoded segments after the room's. */
export function parse(hash) {
  const [where, query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [room = "", ...rest] = where.split("/").map(decoded);
  return { room: room || "rules", rest: rest.filter(Boolean), query: new URLSearchParams(query) };
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // a stray percent sign: taken as it stands
  }
}

/** The address of a room, for links. query: names to values; empty ones are left out. */
export function address(room, rest = [], query = {}) {
  const where = [room, ...rest].map(encodeURIComponent).join("/");
  const given = Object.entries(query).filter(([, value]) => value);
  return given.length ? `#/${where}?${new URLSearchParams(given)}` : `#/${where}`;
}

/** Shows one room at a time. */
export class Router {
  /**
   * rooms: name -> {title, enter(context)}; enter may return leave(). nav: its links. base: what
   * each context holds besides {room, rest, query}.
   */
  constructor(rooms, element, nav, base) {
    Object.assign(this, { rooms, element, nav, base });
    this.leave = null;
    this.mayLeave = () => true;
    this.again = () => {};
    window.addEventListener("hashchange", () => this.moved());
  }

  moved() {
    if (location.hash === this.shown) return;
    if (location.hash.startsWith("#key=")) return; // an invitation: key.js loads the page again
    if (!this.mayLeave()) {
      history.replaceState(null, "", this.shown);
      return;
    }
    this.enter();
    this.element.closest("main").focus();
  }

  /** Begins the room that the address names. */
  enter() {
    this.leave?.();
    this.mayLeave = () => true; // a room may ask first
    this.again = () => {}; // how a room asks the server anew, once it is back
    this.shown = location.hash;
    const { room, rest, query } = parse(location.hash);
    const { title, enter } = this.rooms[room] ?? this.rooms.rules;
    document.title = `${title} · Overture console`;
    this.mark(room);
    const place = el("div", { class: "room" }); // what a room that was left draws late is not seen
    this.element.replaceChildren(place);
    this.base.notices.clear();
    const notices = this.base.notices.of(place);
    this.leave = enter({ ...this.base, notices, room: place, rest, query, router: this }) ?? null;
  }

  /** Notes the address as it is now without entering it anew: the room changed it itself. */
  settle(hash) {
    history.replaceState(null, "", hash);
    this.shown = location.hash;
  }

  mark(room) {
    for (const link of this.nav.querySelectorAll("a")) {
      if (parse(link.hash).room === room) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
}
