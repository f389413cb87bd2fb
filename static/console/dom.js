/** Makes elements. Words of the server and of people go in as text only: nothing here reads HTML. */

/**
 * props: attributes; `class`; `on: {event: handler}`; `data: {name: value}`. Of a boolean attribute,
 * true sets it and false leaves it out; null and undefined are left out too. children: elements,
 * texts, or lists of them; null and false are left out.
 */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  const { on = {}, data = {}, ...attributes } = props;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  for (const [name, handler] of Object.entries(on)) made.addEventListener(name, handler);
  Object.assign(made.dataset, data);
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== false));
  return made;
}

/** A button that presses. kind: a class of it. */
export function button(words, press, { class: kind = "pill", ...props } = {}) {
  return el("button", { type: "button", class: kind, on: { click: press }, ...props }, words);
}

let hints = 0;

/** A labelled field. hint: below it, read after its name. */
export function field(label, input, hint = "") {
  const named = el("label", {}, el("span", { class: "label" }, label), input);
  if (!hint) return el("div", { class: "field" }, named);
  const id = `hint-${++hints}`;
  input.setAttribute("aria-describedby", id);
  return el("div", { class: "field" }, named, el("p", { class: "hint", id }, hint));
}

/** What stands where there is nothing yet: says so, and what to do next. */
export function empty(title, todo, ...more) {
  return el("div", { class: "empty" }, el("h2", {}, title), el("p", {}, todo), more);
}

/** A table. heads: words of the columns; rows: lists of cells, each an element or text. */
export function table(caption, heads, rows) {
  return el(
    "div",
    { class: "table" },
    el(
      "table",
      {},
      el("caption", { class: "unseen" }, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((row) => tableRow(heads, row))),
    ),
  );
}

/** On a phone each cell says its column's name itself. */
function tableRow(heads, cells) {
  const named = cells.map((cell, at) => el("td", { data: { head: heads[at] } }, cell));
  return el("tr", {}, named);
}

/** A moment or a span, kept on one line. */
export function timely(words) {
  return el("span", { class: "timely" }, words);
}

/** A state, in its colour. */
export function badge(state, words = state) {
  return el("span", { class: "badge", data: { state } }, words);
}
