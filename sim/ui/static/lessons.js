// A lesson: scenes with a day, people, text and a question; one predicts, and then looks.
import { firstIn, mostDifferent } from "./days.js";
import { button, h, sources, table } from "./parts.js";
import { amount, plural, typeset } from "./words.js";

export class LessonPanel {
  constructor(room, drawer) {
    Object.assign(this, { room, drawer });
    this.lesson = this.again = null;
    this.scene = 0;
    this.guesses = new Map();
    this.element = h("section", { class: "lesson", "aria-labelledby": "lesson-heading", hidden: true });
  }

  /** Opens a lesson at a scene (counted from 0); null closes it. */
  open(lesson, scene = 0) {
    this.lesson = lesson;
    this.element.hidden = !lesson;
    this.room.element.classList.toggle("in-lesson", Boolean(lesson));
    this.room.cover(false);
    this.room.resize();
    if (lesson) this.go(scene);
    else this.room.remember();
    if (!lesson && this.room.setup) this.room.main.focus({ preventScroll: true });
  }

  go(scene) {
    if (!this.lesson) return;
    this.scene = Math.max(0, Math.min(this.lesson.scenes.length - 1, scene));
    const now = this.lesson.scenes[this.scene];
    const { room } = this;
    room.pause();
    const guessed = this.guesses.has(this.scene);
    if (now.predict && !guessed) room.cover(true, "Covered until you have said what you expect.");
    else room.cover(now.show === "a" && !guessed, "This scene looks at the left future alone.");
    room.seek(guessed && now.predict ? now.predict.until : now.day);
    this.#people(now);
    this.#draw(now);
    room.remember();
  }

  next(step) {
    if (this.lesson) this.go(this.scene + step);
  }

  /** What a clicker does, which has no other key: a future that is covered is revealed before the next scene comes. */
  click(step) {
    if (step > 0 && this.unrevealed) this.unrevealed();
    else this.next(step);
  }

  /** Who is looked at: tried again while the days that would tell are still on their way. */
  #people(scene) {
    this.seeking = scene.people ?? null;
    this.room.follow(null);
    this.look();
  }

  look() {
    if (!this.seeking) return;
    const { room } = this;
    const scene = this.lesson.scenes[this.scene];
    const [a, b] = room.futures;
    let child = null;
    if (this.seeking === "differ") {
      const until = Math.min(scene.day, room.setup.last_day);
      if (Math.min(a.known, b.known) < until) return;
      child = mostDifferent(a, b, until);
      if (child === null) room.followed.nobody("So far the two futures differ for none of the children shown.");
    } else {
      const found = firstIn(a, room.setup.states.indexOf(this.seeking), scene.day);
      if (!found) return;
      if (found.day > scene.day && room.day === scene.day) room.seek(found.day); // the text speaks of a child as it is on the screen
      child = found.child;
    }
    this.seeking = null;
    if (child !== null) room.follow(child, false);
  }

  #draw(scene) {
    const { lesson, room } = this;
    const last = lesson.scenes.length - 1;
    const back = button("Back", () => this.next(-1), { disabled: this.scene === 0, "aria-label": "Back to the previous scene" });
    const on = button(this.scene === last ? "End of the lesson" : "Next scene", () => (this.scene === last ? this.open(null) : this.next(1)), { class: "primary" });
    this.again = this.unrevealed = null;
    const [form, result] = scene.predict ? this.#predict(scene.predict) : [];
    const from = scene.sources?.length ? button("Where this is from", () => this.drawer.show("Sources of this scene", sources(scene.sources)), { class: "quiet small" }) : null;
    this.element.scrollTop = 0;
    const hadFocus = this.element.contains(document.activeElement);
    this.element.replaceChildren(
      h("div", { class: "lesson-head" },
        h("p", { class: "where-in" }, `Lesson: ${lesson.title}. Scene ${this.scene + 1} of ${lesson.scenes.length}`),
        h("div", { class: "row" }, button("Leave the lesson", () => this.open(null), { class: "quiet small" }), back, on)),
      h("h2", { id: "lesson-heading", tabindex: "-1" }, typeset(scene.title)),
      h("div", { class: "scene" },
        h("div", { class: "scene-text" }, scene.text.trim().split(/\n\s*\n/).map((text) => h("p", {}, typeset(text))), from),
        h("div", { class: "scene-ask" },
          scene.question ? h("p", { class: "question" }, typeset(scene.question)) : null,
          form,
          scene.notes ? h("details", { class: "notes" }, h("summary", {}, "Notes for the trainer"), h("p", {}, typeset(scene.notes))) : null),
        result),
    );
    if (hadFocus) this.element.querySelector("h2").focus({ preventScroll: true });
    room.say(`${scene.title}. Scene ${this.scene + 1} of ${lesson.scenes.length}.`);
  }

  #predict(predict) {
    const { room } = this;
    const measure = room.setup.measures.findIndex((one) => one.name === predict.measure);
    const result = h("div", { class: "revealed", role: "status" });
    const guess = h("input", { type: "number", id: "guess", step: "any", inputmode: "decimal" });
    const uncover = () => {
      const number = guess.value === "" ? null : Number(guess.value);
      this.guesses.set(this.scene, number);
      this.unrevealed = null;
      room.cover(false);
      room.playTo(predict.until, () => this.#reveal(predict, measure, number, result));
    };
    const reveal = button("Reveal", uncover, { class: "primary" });
    if (!this.guesses.has(this.scene)) this.unrevealed = uncover;
    if (this.guesses.has(this.scene)) {
      guess.value = this.guesses.get(this.scene) ?? "";
      room.whenAt(predict.until, () => this.#reveal(predict, measure, this.guesses.get(this.scene), result));
    }
    return [h("div", { class: "predict" }, h("label", { for: "guess" }, typeset(predict.ask)), h("div", { class: "row" }, guess, reveal)), result];
  }

  #reveal(predict, index, guess, result) {
    const { room } = this;
    const measure = room.setup.measures[index];
    if (!measure) return;
    this.again = () => this.#reveal(predict, index, guess, result); // when the range of other seeds has grown
    const [a, b] = room.futures.map((future) => future.number(index, predict.until));
    const rows = [[room.setup.futures[0].title, amount(a, measure)], [room.setup.futures[1].title, amount(b, measure)]];
    if (guess !== null) rows.push(["Your guess for the right future", amount(guess, measure)]);
    const ribbon = room.setup.ribbons?.get(measure.name);
    const at = ribbon?.low ? predict.until - ribbon.first : -1;
    if (ribbon?.low?.[at] !== undefined) rows.push([`Left future over ${plural(ribbon.seeds, "other seed")}`, `${amount(ribbon.low[at], measure)} to ${amount(ribbon.high[at], measure)}`]);
    else if (!room.fromFile) rows.push(["Left future over other seeds", ribbon ? "not lived as far as this day" : "still being lived; the range comes here by itself"]);
    const isNew = !result.firstChild;
    result.replaceChildren(
      table(`${measure.label}, ${room.dates.long(predict.until)}`, ["", measure.unit], rows),
      h("div", {}, h("p", {}, typeset(predict.after ?? "")), h("p", {}, h("small", {}, "One seed is one story: look at the range before you trust a difference."))),
    );
    if (isNew) this.element.scrollTop = result.offsetTop; // where the lesson is beside the maps and longer than the screen
  }
}
