// One future as it is shown: its name, its numbers, its map, and the map as text.
import { COLOUR_A, COLOUR_B } from "./charts.js";
import { NOWHERE } from "./days.js";
import { bundles, MapView } from "./map.js";
import { h, table, write } from "./parts.js";
import { amount, difference, plural } from "./words.js";

const TILES = ["missing", "on_line", "recruited", "identified", "cost"];
const APPROACHED = 2; // the first state, and
const HELD = 5; // the last, of which the text says in which places the children are

export class Side {
  constructor(room, i) {
    Object.assign(this, { room, i, setup: room.setup, values: [] });
    const future = this.setup.futures[i];
    const side = i ? "right" : "left";
    this.canvas = h("canvas", { role: "img", "aria-label": `Map, ${side} future` });
    this.view = new MapView(this.canvas, room.layout);
    this.cover = h("div", { class: "covered", hidden: true }, h("p", {}));
    this.tip = h("div", { class: "tip", hidden: true });
    this.chip = h("button", { type: "button", class: "chip", hidden: true, onclick: () => room.followed.come() });
    this.figure = h("div", { class: "figure" }, this.canvas, this.chip, this.cover, this.tip);
    this.note = h("p", { class: "outside" });
    this.twin = h("details", { class: "twin" }, h("summary", {}, `The ${side} map as text`));
    const name = h("h2", { id: `side-${future.id}` }, h("span", { class: "swatch", style: `--colour:${i ? COLOUR_B : COLOUR_A}` }), h("span", { class: "side" }, i ? "Right" : "Left"), h("span", {}, future.title));
    this.element = h("section", { class: `future future-${future.id}`, "aria-labelledby": `side-${future.id}` }, name, this.#tiles(), this.figure, this.note, this.twin);
    this.twin.addEventListener("toggle", () => this.#tellInWords(true));
    this.canvas.addEventListener("click", (event) => {
      const found = this.#pick(event);
      if (found?.child !== undefined) room.follow(found.child);
    });
    this.canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  #tiles() {
    const shown = TILES.map((name) => this.setup.measures.findIndex((measure) => measure.name === name)).filter((m) => m >= 0);
    return h("ul", { class: "tiles" }, shown.map((m) => {
      const measure = this.setup.measures[m];
      const value = h("span", { class: "value" }, "–");
      const gap = h("span", { class: "gap" });
      this.values.push([m, value, gap]);
      const label = h("span", { class: "label" }, measure.label + (measure.kind === "stock" ? "" : ", so far"));
      return h("li", {}, h("button", { type: "button", onclick: () => this.room.showEvidence(measure), title: "Definition and evidence" }, label, value, gap));
    }));
  }

  get future() {
    return this.room.futures[this.i];
  }

  get isCovered() {
    return this.room.isCovered(this.i);
  }

  hide(covered, why) {
    this.cover.hidden = !covered;
    write(this.cover.firstChild, why ?? "");
  }

  /** The words and numbers of the day. */
  tell() {
    const { room, setup } = this;
    for (const [m, value, gap] of this.values) {
      const [a, b] = room.futures.map((future) => future.number(m, room.day));
      write(value, this.isCovered ? "?" : amount(this.i ? b : a, setup.measures[m]));
      if (this.i) write(gap, this.isCovered ? "" : difference(a, b, setup.measures[m]));
    }
    this.chip.hidden = room.child === null || this.isCovered;
    if (room.child !== null) write(this.chip, `Child ${room.child}: ${setup.states[this.future.at(room.day).state[room.child]]}`);
    const outside = this.isCovered ? 0 : (this.view.outside ?? 0);
    write(this.note, outside ? `${plural(outside, "shown child is", "shown children are")} outside this view.` : "");
    this.#tellInWords(false);
  }

  /** The first numbers as a sentence, to be read aloud. */
  sentence() {
    const { setup, room } = this;
    const numbers = this.values.slice(0, 4).map(([m]) => `${setup.measures[m].label}: ${amount(this.future.number(m, room.day), setup.measures[m])}`);
    return this.isCovered ? "The right future is covered." : `${setup.futures[this.i].title}. ${numbers.join(", ")}.`;
  }

  name(place) {
    return place === NOWHERE ? "whereabouts unknown" : (this.setup.places.find((one) => one.id === place)?.name ?? "elsewhere");
  }

  /** The map as text and tables: at once, or, when nothing plays, on each new day. */
  #tellInWords(now) {
    const { room, setup } = this;
    if (!this.twin.open || (room.playing && !now)) return;
    const summary = this.twin.querySelector("summary");
    if (this.isCovered) {
      this.twin.replaceChildren(summary, h("p", {}, "Covered."));
      return;
    }
    const today = this.future.at(room.day);
    const counts = this.future.counts(room.day, setup.states.length);
    const arcs = [...bundles(today.arcs).values()].sort((a, b) => b[2] - a[2]);
    const at = new Map();
    today.state.forEach((state, child) => {
      if (state < APPROACHED || state > HELD) return;
      const row = at.get(today.place[child]) ?? new Array(HELD - APPROACHED + 1).fill(0);
      row[state - APPROACHED]++;
      at.set(today.place[child], row);
    });
    const total = (row) => row.reduce((sum, count) => sum + count);
    const places = [...at].sort(([, a], [, b]) => total(b) - total(a));
    this.twin.replaceChildren(
      summary,
      table(`Shown children, ${room.dates.long(room.day)}`, ["Where", "Children"], setup.states.map((state, k) => [state, counts[k]])),
      table("Lines", ["From", "To", "Lines", "Children on them"], arcs.map(([from, to, children, lines]) => [this.name(from), from === to ? "the same place" : this.name(to), lines, children])),
      table("Places", ["Place", ...setup.states.slice(APPROACHED, HELD + 1)], places.map(([place, row]) => [this.name(place), ...row])),
    );
  }

  // -- the pointer ---------------------------------------------------------------------------------------------------------

  #pick(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.view.pick(event.clientX - box.left, event.clientY - box.top);
  }

  #point(event) {
    const found = this.room.playing ? null : this.#pick(event);
    this.tip.hidden = !found;
    this.canvas.style.cursor = found?.child !== undefined ? "pointer" : "";
    if (!found) return;
    write(this.tip, this.#what(found));
    const box = this.figure.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - box.left + 14, box.width - 190)}px`;
    this.tip.style.top = `${event.clientY - box.top + 16}px`;
  }

  #what({ child, arc, place }) {
    if (child !== undefined) return `Child ${child}, of ${this.name(this.setup.children[child].home)}: ${this.setup.states[this.future.at(this.room.day).state[child]]}. Click to follow.`;
    if (!arc) return place.name;
    const where = arc.from === arc.to ? `within ${this.name(arc.from)}` : `from ${this.name(arc.from)} to ${this.name(arc.to)}`;
    return `${plural(arc.lines, "line")} ${where}: ${plural(arc.children, "child", "children")} on ${arc.lines === 1 ? "it" : "them"} now.`;
  }
}
