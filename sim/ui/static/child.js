// Follow one child through both futures: a strip of days, and a timeline in plain words.
import { button, h, table } from "./parts.js";
import { LOOKS } from "./map.js";
import { capital } from "./words.js";

const LANE = 12; // px, one for each state
const GUTTER = 132; // px, for their names where there is room

const WHOSE = { both: "both futures:", a: "left:", b: "right:" };

export const HONEST = [
  "The same invented child lives in both futures. Each chance is looked up by child and by decision, never drawn in turn (“common random numbers”), so where the two rows part, they part because of what services did, to this child or to others around it.",
  "It is the model’s counterfactual, not a real child’s: nobody can see a real child’s other life. How the chances of the two futures are coupled is a choice of the model. With another seed this child’s story would be another one, so learn from it what can happen, and read what is likely from the numbers of the whole world.",
];

export class FollowedChild {
  constructor(room) {
    this.room = room;
    this.known = {};
    this.state = h("select", { id: "follow-state" });
    this.number = h("input", { id: "follow-number", type: "number", min: 0, step: 1, value: 0, inputmode: "numeric" });
    this.who = h("p", { class: "who", role: "status" }, "Nobody is followed. Choose a dot on a map, or find a child here.");
    this.strips = h("div", { class: "strips" });
    this.later = h("input", { type: "checkbox", id: "follow-later", onchange: () => this.refresh(true) });
    this.timeline = h("div", { class: "timeline" });
    this.twin = h("details", {}, h("summary", {}, "The strips as a table"));
    this.stop = button("Stop following", () => room.follow(null), { hidden: true });
    this.more = h("div", { hidden: true }, this.strips, this.twin, h("h3", {}, "What happened"), h("label", { class: "check" }, this.later, " Show what comes after today"), this.timeline);
    this.element = h(
      "section",
      { class: "panel", id: "child", "aria-labelledby": "child-heading" },
      h("h2", { id: "child-heading", tabindex: "-1" }, "Follow one child"),
      h(
        "div",
        { class: "row" },
        h("label", { for: "follow-state" }, "Find a child who today is"),
        this.state,
        button("Follow the next", () => this.#next()),
        h("label", { for: "follow-number" }, "or child number"),
        this.number,
        button("Follow", () => room.follow(Number(this.number.value)), { "aria-label": "Follow the child of this number" }),
        this.stop,
      ),
      this.who,
      this.more,
      h("details", { class: "honest" }, h("summary", {}, "Is this really the same child?"), HONEST.map((text) => h("p", {}, text))),
    );
    this.twin.addEventListener("toggle", () => this.refresh(true));
  }

  /** Shows the panel to whoever asked for the story. */
  come() {
    this.element.scrollIntoView({ behavior: this.room.isStill ? "auto" : "smooth" });
    this.element.querySelector("h2").focus({ preventScroll: true });
  }

  setup(setup) {
    this.setupOf = setup;
    this.known = {};
    const states = setup.states.map((name, i) => h("option", { value: i, selected: name === "on a line" }, name)).slice(0, -1);
    this.state.replaceChildren(...states);
    this.number.max = setup.children.length - 1;
    this.canvases = setup.futures.map((future) => h("canvas", { role: "img", height: LANE * 6 + 2 }));
    this.strips.replaceChildren(
      ...setup.futures.map((future, i) => h("div", { class: "strip" }, h("h3", {}, future.title), this.canvases[i])),
      h("p", { class: "lanes" }, "Lanes from above: ", [...setup.states.slice(0, 6)].reverse().join(", "), "."),
    );
  }

  /** Says why nobody is followed. */
  nobody(why) {
    this.who.textContent = why;
  }

  #next() {
    const { room } = this;
    const wanted = Number(this.state.value);
    const future = room.futures.find((one, i) => !room.isCovered(i) && one.at(room.day)?.state.includes(wanted));
    if (!future) {
      this.who.textContent = `Today no shown child is “${this.setupOf.states[wanted]}”.`;
      return;
    }
    const state = future.at(room.day).state;
    const after = state.indexOf(wanted, (room.child ?? -1) + 1);
    room.follow(after >= 0 ? after : state.indexOf(wanted));
  }

  told(message) {
    this.known[message.id] = message.futures;
    this.refresh(true);
  }

  /** Called on each new day, and when somebody else is followed. */
  refresh(whole = false) {
    const { room } = this;
    const id = room.child;
    this.more.hidden = this.stop.hidden = id === null;
    if (id === null) {
      if (whole) this.who.textContent = "Nobody is followed. Choose a dot on a map, or find a child here.";
      return;
    }
    const child = this.setupOf.children[id];
    const now = this.setupOf.futures.map((future, i) => (room.isCovered(i) ? "covered" : this.setupOf.states[room.futures[i].at(room.day)?.state[id] ?? 6]));
    const where = this.setupOf.places.find((place) => place.id === child.home)?.name ?? "";
    const text = `Child ${id}, an invented ${child.girl ? "girl" : "boy"} of ${where}, aged ${child.age} at the start${child.looked_after_at_start ? ", looked after at the start" : ""}. Today: left, ${now[0]}; right, ${now[1]}.`;
    if (this.who.textContent !== text) this.who.textContent = text;
    if (document.activeElement !== this.number) this.number.value = id;
    this.#draw(id);
    if (whole || this.shownDay !== room.day) this.#tell(id);
    this.shownDay = room.day;
  }

  #draw(id) {
    const { room } = this;
    const { first_day: first, last_day: last } = this.setupOf;
    this.canvases.forEach((canvas, f) => {
      const width = Math.max(100, Math.floor(canvas.parentElement.clientWidth));
      const ratio = globalThis.devicePixelRatio || 1;
      if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
      canvas.height = Math.round((LANE * 6 + 2) * ratio);
      canvas.style.height = `${LANE * 6 + 2}px`;
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      context.fillStyle = "#ffffff";
      context.fillRect(0, 0, width, LANE * 6 + 2);
      context.fillStyle = "#eeeae1";
      for (let lane = 0; lane < 6; lane++) context.fillRect(0, LANE * lane + LANE, width, 1);
      const left = width > 600 ? GUTTER : 0;
      context.fillStyle = "#4b5763";
      context.font = "10.5px Inter, system-ui, 'Segoe UI', Roboto, sans-serif";
      context.textBaseline = "middle";
      if (left) for (let lane = 0; lane < 6; lane++) context.fillText(this.setupOf.states[5 - lane], 6, LANE * (lane + 0.5) + 1);
      const future = room.futures[f];
      const step = (width - left) / (last - first + 1);
      const until = room.isCovered(f) ? first - 1 : this.later.checked ? future.known : Math.min(room.day, future.known);
      for (let day = first; day <= until; day++) {
        const state = future.at(day).state[id];
        if (!LOOKS[state]) continue;
        context.fillStyle = LOOKS[state].colour;
        context.fillRect(left + (day - first) * step, (5 - state) * LANE + 2, Math.max(1, step + 0.4), LANE - 3);
      }
      context.fillStyle = "#1d2733";
      context.fillRect(left + (room.day - first) * step, 0, 1.5, LANE * 6 + 2);
      canvas.setAttribute("aria-label", `Strip of days of child ${id}, ${this.setupOf.futures[f].title}; the table below says the same.`);
    });
    if (this.twin.open) this.#spells(id);
  }

  #spells(id) {
    const { room } = this;
    const spells = (f) => {
      const out = [];
      const until = room.isCovered(f) ? 0 : this.later.checked ? room.futures[f].known : room.day;
      for (let day = this.setupOf.first_day; day <= Math.min(until, room.futures[f].known); day++) {
        const state = room.futures[f].at(day).state[id];
        if (out.length && out.at(-1)[2] === state) out.at(-1)[1] = day;
        else out.push([day, day, state]);
      }
      return out.map(([from, to, state]) => [room.dates.short(from), room.dates.short(to), to - from + 1, this.setupOf.states[state]]);
    };
    const tables = this.setupOf.futures.map((future, f) => table(`Child ${id}: ${future.title}`, ["From", "To", "Days", "Where"], spells(f)));
    this.twin.replaceChildren(this.twin.querySelector("summary"), ...tables);
  }

  /** One row a day: what happened in both futures once, what happened in one of them on its side. */
  #tell(id) {
    const { room } = this;
    const told = this.known[id];
    if (!told) {
      this.timeline.replaceChildren(h("p", {}, room.fromFile ? "This file holds the timelines of some children only; this child’s is not among them." : "Asking what happened …"));
      return;
    }
    const until = this.later.checked ? Infinity : room.day;
    const rows = new Map();
    this.setupOf.futures.forEach((future, f) => {
      for (const event of told[future.id]?.events ?? []) {
        if (event.day > until || room.isCovered(f)) continue;
        const row = rows.get(event.day) ?? [[], []];
        row[f].push(event.text);
        rows.set(event.day, row);
      }
    });
    const [before, since] = [h("ol", {}), h("ol", {})];
    for (const [day, [a, b]] of [...rows].sort(([one], [other]) => one - other)) {
      const both = a.filter((text) => b.includes(text));
      const time = h("time", { datetime: room.dates.of(day).toISOString().slice(0, 10) }, room.dates.short(day));
      const cell = (where, texts) => (texts.length ? h("span", { class: where }, h("span", { class: "whose" }, WHOSE[where]), ` ${texts.map(capital).join(" ")}`) : null);
      const item = h("li", {}, time, cell("both", both), cell("a", a.filter((text) => !both.includes(text))), cell("b", b.filter((text) => !both.includes(text))));
      (day < this.setupOf.first_day ? before : since).append(item);
    }
    const earlier = before.children.length ? h("details", { open: this.timeline.querySelector("details")?.open }, h("summary", {}, `Before ${room.dates.long(this.setupOf.first_day)}`), before) : null;
    this.timeline.replaceChildren(...[earlier, since.children.length ? since : h("p", {}, "Since then nothing that the model writes down has happened to this child.")].filter(Boolean));
  }
}
