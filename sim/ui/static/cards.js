// Policy cards: what services could do, in plain words, with the numbers one may change.
import { button, definitions, evidence, h } from "./parts.js";
import { setting } from "./words.js";

const GRADES = {
  none: "No evidence on the effect itself: every range holds “nothing happens”.",
  low: "Low: studies without a comparison, or of other settings.",
  medium: "Medium: some comparisons, not all of them of children on lines.",
  high: "High: good comparisons of the same thing in the same setting.",
};

export function gradeWords(grade) {
  return GRADES[grade] ?? grade ?? "";
}

/** The cards of all policies; `change({policy, settings, from_day, future})` is called when one is put to use or taken away. */
export class Cards {
  constructor(room, drawer) {
    Object.assign(this, { room, drawer });
    this.future = h("select", { id: "card-future", onchange: () => this.refresh() });
    this.when = h("select", { id: "card-when" }, h("option", { value: "today" }, "from today on"), h("option", { value: "first" }, "from the first day"));
    this.list = h("div", { class: "cards" });
    this.element = h(
      "section",
      { class: "panel", id: "policies", "aria-labelledby": "policies-heading" },
      h("h2", { id: "policies-heading" }, "What services do"),
      h("p", {}, "Each card is a change from present practice. “From today on” keeps every day until the one you are on and lives the rest again."),
      h("div", { class: "row" }, h("label", { for: "card-future" }, "Change"), this.future, h("label", { for: "card-when" }, "and let it begin"), this.when),
      this.list,
      this.#otherWorlds(),
    );
  }

  #otherWorlds() {
    this.world = h("select", { id: "other-world" });
    this.seed = h("input", { type: "number", id: "other-seed", min: 0, max: 1000000, step: 1, value: 1, inputmode: "numeric" });
    const begin = (seed) => this.room.startAnew(this.world.value, seed);
    return h(
      "div",
      { class: "anew" },
      h("h3", {}, "Other children, other places"),
      h("p", {}, "A seed is all the chance there is in a world: who lives there, whom a line finds, what goes well. The same seed is the same story again; another seed shows how much of a difference was chance."),
      h("div", { class: "row" }, h("label", { for: "other-world" }, "Places"), this.world, h("label", { for: "other-seed" }, "Seed"), this.seed,
        button("Begin there", () => begin(Math.round(Number(this.seed.value)))),
        button("Another seed", () => begin(this.room.setup.seed + 1), { class: "quiet" })),
    );
  }

  setup(setup) {
    this.seed.value = setup.seed;
    this.world.value = setup.world.name;
    const chosen = this.future.value || setup.futures.at(-1).id;
    const side = ["the left future", "the right future"];
    this.future.replaceChildren(...setup.futures.map((future, i) => h("option", { value: future.id, selected: future.id === chosen }, `${side[i]}: ${future.title}`)));
    this.policies = Object.fromEntries(setup.futures.map((future) => [future.id, future.policies ?? []]));
    this.refresh();
  }

  show(cards, worlds) {
    this.cards = cards;
    const now = this.room.setup?.world.name;
    this.world.replaceChildren(...worlds.map(({ name, title }) => h("option", { value: name, selected: name === now }, title.length > 60 ? `${title.slice(0, 57)} …` : title)));
    this.parts = cards.map((card) => this.#card(card));
    this.list.replaceChildren(...this.parts.map((part) => part.element));
    this.refresh();
  }

  #card(card) {
    const status = h("p", { class: "in-force" });
    const inputs = card.sliders.map((slider) => this.#slider(card, slider));
    const settings = () => Object.fromEntries(inputs.map((one) => [one.slider.name, one.value]));
    const send = (values) => this.room.change({ policy: card.policy, settings: values, from_day: this.when.value === "first" ? null : undefined, future: this.future.value });
    const use = button("Use it", () => send(settings()), { class: "primary", "aria-label": `Use it: ${card.title}` });
    const away = button("Take it away", () => send(null), { "aria-label": `Take it away: ${card.title}`, hidden: true });
    const element = h(
      "article",
      { class: "card", "aria-labelledby": `card-${card.policy}` },
      h("div", { class: "card-head" }, h("h3", { id: `card-${card.policy}` }, card.title), h("span", { class: `grade grade-${card.grade}` }, `evidence: ${card.grade}`)),
      status,
      h("p", {}, card.what),
      card.who ? h("p", { class: "who" }, h("b", {}, "Who does it: "), card.who) : null,
      card.changes || card.for_whom
        ? h("details", {}, h("summary", {}, "How it works"), definitions([["For whom", card.for_whom], ["Whom it reaches", card.reaches], ["What it changes", card.changes], ["What it does to records", card.recording]]))
        : null,
      h("details", {}, h("summary", {}, `Its ${card.sliders.length} numbers`), inputs.map(({ element }) => element)),
      h("div", { class: "row" }, use, away, button("Evidence", () => this.#evidence(card), { class: "quiet", "aria-label": `Evidence for ${card.title}` })),
    );
    return { card, element, status, inputs, use, away };
  }

  #slider(card, slider) {
    const id = `${card.policy}-${slider.name}`;
    const { low, high, value, unit, status, title, note } = slider.evidence;
    const shown = h("output", { for: id });
    const input = h("input", { type: "range", id, min: low, max: high, step: slider.step, "aria-describedby": `${id}-what` });
    const one = { slider, value }; // the value itself, which the steps of the slider need not meet
    one.write = (now) => {
      one.value = now;
      shown.textContent = `${setting(now, slider.whole)} ${unit}`;
      input.setAttribute("aria-valuetext", shown.textContent);
    };
    one.set = (now) => {
      input.value = now;
      one.write(now);
    };
    input.addEventListener("input", () => one.write(Number(input.value)));
    one.set(value);
    const range = `Range ${setting(low, slider.whole)} to ${setting(high, slider.whole)}. `;
    const source = status === "assumed" ? h("b", { class: "badge" }, "ASSUMED") : title;
    one.element = h("div", { class: "slider" }, h("label", { for: id }, slider.label), shown, input, h("small", { id: `${id}-what` }, note ? `${note} ` : "", range, source));
    return one;
  }

  #evidence(card) {
    const numbers = card.sliders.map((slider) => slider.evidence);
    const assumed = numbers.filter((one) => one.status === "assumed").length;
    this.drawer.show(
      card.title,
      h("p", {}, card.evidence),
      definitions([["Grade", `${card.grade}. ${gradeWords(card.grade)}`], ["Numbers", `${assumed} of its ${numbers.length} numbers are assumed.`]]),
      h("h3", {}, "Its numbers, and where they come from"),
      evidence(numbers),
    );
  }

  refresh() {
    for (const part of this.parts ?? []) {
      const use = (this.policies?.[this.future.value] ?? []).findLast((one) => one.name === part.card.policy && !one.to_day);
      part.status.textContent = use ? `In force from ${this.room.dates.long(use.from_day ?? this.room.setup.first_day)}.` : "";
      part.element.classList.toggle("on", Boolean(use));
      part.use.textContent = use ? "Change it" : "Use it";
      part.use.setAttribute("aria-label", `${part.use.textContent}: ${part.card.title}`);
      part.away.hidden = !use;
      for (const one of part.inputs) {
        const value = use?.settings?.[one.slider.name];
        if (value !== undefined && one.value !== value) one.set(value);
      }
    }
  }
}
