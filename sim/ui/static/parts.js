// Small parts of which pages are made: elements, dialogs, what is said aloud.

/** An element: h("button", {class: "primary", onclick}, "Play"). Attributes that are false, null or undefined are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function button(label, onclick, attributes = {}) {
  return h("button", { type: "button", onclick, ...attributes }, label);
}

/** Writes only what has changed: a text that stays costs nothing. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A dialog with a heading and a close button; `fill` its body, then `show` it. Focus returns to where it was. */
export class Dialog {
  constructor(parent, id, kind = "") {
    this.heading = h("h2", { id: `${id}-heading` });
    this.body = h("div", { class: "dialog-body" });
    const close = button("Close", () => this.element.close(), { class: "quiet" });
    this.element = h("dialog", { id, class: kind, "aria-labelledby": `${id}-heading` }, h("div", { class: "dialog-head" }, this.heading, close), this.body);
    this.element.addEventListener("click", (event) => event.target === this.element && this.element.close());
    parent.append(this.element);
  }
  show(title, ...content) {
    this.heading.textContent = title;
    this.body.replaceChildren(...content.flat().filter(Boolean));
    if (!this.element.open) this.element.showModal();
  }
}

export function table(caption, columns, rows) {
  return h(
    "div",
    { class: "table", role: "region", "aria-label": caption, tabindex: "0" },
    h(
      "table",
      {},
      h("caption", {}, caption),
      h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
      h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, String(first)), rest.map((cell) => h("td", {}, String(cell)))))),
    ),
  );
}

export function sources(list) {
  if (!list?.length) return h("p", { class: "assumed" }, "Assumed: no source was found.");
  return h(
    "ul",
    { class: "sources" },
    list.map((one) => h("li", {}, h("span", { class: "id" }, one.id), ` ${one.title}`, one.publisher ? `. ${one.publisher}` : "", one.year ? `, ${one.year}` : "", ".")),
  );
}

/** Declared numbers with value, range and source; "ASSUMED" is said as plainly as a source. */
export function evidence(numbers) {
  return h(
    "ul",
    { class: "evidence" },
    (numbers ?? []).map((one) =>
      h(
        "li",
        {},
        h("b", {}, one.address.replace(/^policies\./, "").replaceAll("_", " ").replace(".", ": ")),
        h("div", {}, `${one.value} ${one.unit}, range ${one.low} to ${one.high}`),
        one.note ? h("div", {}, one.note) : null,
        h("div", {}, h("span", { class: `badge badge-${one.status}` }, one.status === "assumed" ? "ASSUMED" : one.status), " ", one.status === "assumed" ? "No source was found." : [one.title, one.publisher, one.year].filter(Boolean).join(", ")),
      ),
    ),
  );
}

export function definitions(pairs) {
  return h("dl", {}, pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}
