// The pages round the room: lessons, results, what this is; and what stands on every page.
import { button, h } from "./parts.js";
import { typeset } from "./words.js";

export const HELP = "Worried about a real child? In danger now: 999. Otherwise the police on 101, Missing People on 116 000, or, for children themselves, Childline on 0800 1111.";

export const NOTE = [
  "This is a simulation of child exploitation by county lines: children who are groomed, threatened, made to carry and sell drugs, who go missing and are harmed. No picture shows a face and no text describes violence, but for some people in the room it may be close to their own life or work. Say so before you begin, and let people step out.",
  "Every child here is invented; none has a name. Children are exploited and harmed, and never to blame. Nothing here is a score or a forecast for a real child, home, school or town.",
  "The page hides at once when Escape is pressed twice.",
];

export const KEYS = [
  ["Space", "play and pause"],
  ["Right, Left", "one day on, one day back"],
  ["Page Down, Page Up (a clicker)", "next and previous scene in a lesson; otherwise a week on, a week back"],
  ["Home, End", "the first day, the last day that is here"],
  ["+ and −", "faster, slower"],
  ["1 to 9", "a scene of the lesson"],
  ["P", "present mode"],
  ["?", "this list"],
  ["Escape, twice", "hide the page"],
];

export function header(mode) {
  const pages = [["room", "/", "Room"], ["lessons", "/lessons", "Lessons"], ["results", "/results", "Results"], ["about", "/about", "About"]];
  const links = mode === "file" ? [] : pages.map(([name, href, title]) => h("a", { href, "aria-current": name === mode ? "page" : null }, title));
  return h(
    "header",
    { class: "top" },
    h("a", { class: "skip", href: "#main" }, "Skip to the content"),
    h("p", { class: "brand" }, "county", h("b", {}, "lines")),
    links.length ? h("nav", { "aria-label": "Pages" }, links) : null,
  );
}

export function footer() {
  return h("footer", { class: "bottom" }, h("p", {}, h("b", {}, "Invented children, invented lives. "), "No real child, family, gang or line is in this model."), h("p", {}, HELP));
}

export function lessonsPage(lessons) {
  return [
    h("h1", {}, "Lessons"),
    h("p", { class: "lead" }, "Each lesson is a row of scenes in the room: a day, some children, a text and a question. First predict, then look. The trainer needs no preparation beyond reading the notes in it."),
    h(
      "div",
      { class: "cards" },
      lessons.map((lesson) =>
        h(
          "article",
          { class: "card", "aria-labelledby": `lesson-${lesson.id}` },
          h("h2", { id: `lesson-${lesson.id}` }, lesson.title),
          h("p", {}, typeset(lesson.summary)),
          h("p", { class: "who" }, `${lesson.scenes.length} scenes, about ${lesson.minutes} minutes`),
          h("p", {}, h("a", { class: "button primary", href: `/?lesson=${encodeURIComponent(lesson.id)}&scene=1`, "aria-label": `Begin: ${lesson.title}` }, "Begin")),
        ),
      ),
    ),
  ];
}

export function resultsPage(studies) {
  const one = (study) =>
    h(
      "article",
      { class: "card", "aria-labelledby": `study-${study.name}` },
      h("h2", { id: `study-${study.name}` }, study.title || study.name),
      study.made ? h("p", { class: "who" }, `Made on ${new Date(study.made).toLocaleDateString("en-GB", { dateStyle: "long" })}`) : null,
      study.command ? h("p", {}, "Rebuilt with ", h("code", {}, study.command)) : null,
      study.address
        ? h("p", {}, h("a", { class: "button primary", href: study.address, target: "_blank", rel: "noopener", "aria-label": `Open the report of ${study.name} in a new tab` }, "Open the report"))
        : h("p", {}, "This folder holds no report."),
    );
  return [
    h("h1", {}, "Results"),
    h("p", { class: "lead" }, "Reports of studies: many seeds and many draws of what is uncertain, with intervals. For a decision read these, and not one run in the room."),
    studies.length ? h("div", { class: "cards" }, studies.map(one)) : h("p", {}, "There is no study in results/ yet: make run makes one."),
  ];
}

export function aboutPage() {
  return [
    h("h1", {}, "About the room"),
    h("p", { class: "lead" }, "Two futures of the same invented children, side by side: present practice, and what services might do instead."),
    h("h2", {}, "What one sees"),
    h("ul", {}, [
      "A dot is an invented child. Shape and colour say where it is today. Some children are drawn, chosen so that all who are looked after, approached, on a line or missing are among them; charts and numbers count the whole simulated world.",
      "An arc is a drug line from where it is run to where it sells. Its width is the number of children on it now.",
      "The shaded ribbon in a chart is the range of other seeds under the left future’s policies: what chance alone does. A difference that is smaller than the ribbon may be chance.",
    ].map((text) => h("li", {}, text))),
    h("h2", {}, "What it cannot say"),
    h("ul", {}, [
      "It does not forecast, and one run proves nothing. Many of its numbers are assumed; the evidence button on each number says which.",
      "It ranks no authority, home, school or town, and no real child may be scored with it.",
      "Nothing seen here may be cited to refuse, delay or end a child’s placement, or the reporting of a missing child.",
      "It does not yet know whether effects differ by ethnicity or disability: such differences are unknown, not nil.",
    ].map((text) => h("li", {}, text))),
    h("h2", {}, "Before you show it"),
    NOTE.map((text) => h("p", {}, text)),
    h("h2", {}, "Keys"),
    h("dl", { class: "keys" }, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, key), h("dd", {}, what)))),
    h("h2", {}, "Private and offline"),
    h("p", {}, "Everything runs on this machine. The page asks no other machine for anything, keeps no account and records nothing about who looks."),
    h("h2", {}, "Help for real children"),
    h("p", {}, HELP),
  ];
}

/** Hides everything at once: a blank page of notes, with a way back. */
export class Hiding {
  constructor(element, onHide) {
    this.last = 0;
    this.title = null;
    const back = button("Back to the page", () => this.show(), { class: "quiet" });
    this.cover = h("div", { class: "hidden-page", role: "dialog", "aria-label": "Notes", hidden: true }, h("p", {}, "Notes"), back);
    this.back = back;
    this.onHide = onHide;
    element.append(this.cover);
  }
  /** To be called at each Escape: the second within 0.8 s hides. */
  escape(time) {
    if (time - this.last < 800) this.hide();
    this.last = time;
  }
  hide() {
    this.onHide();
    this.title ??= document.title;
    document.title = "Notes";
    this.cover.hidden = false;
    this.cover.parentElement.classList.add("is-hidden");
    for (const open of document.querySelectorAll("dialog[open]")) open.close();
    this.back.focus();
  }
  show() {
    document.title = this.title;
    this.title = null;
    this.cover.hidden = true;
    this.cover.parentElement.classList.remove("is-hidden");
  }
}
