// The room: two futures of the same children on one clock. Python sends days, everything that moves is made here.
import { Cards, gradeWords } from "./cards.js";
import { Chart } from "./charts.js";
import { FollowedChild } from "./child.js";
import { Future } from "./days.js";
import { LessonPanel } from "./lessons.js";
import { readLink, SPEEDS, writeLink } from "./link.js";
import { arcWidth, drawShape, Layout, LOOKS } from "./map.js";
import { aboutPage, footer, header, Hiding, HELP, KEYS, lessonsPage, NOTE, resultsPage } from "./pages.js";
import { button, definitions, Dialog, evidence, h, table, write } from "./parts.js";
import { Side } from "./side.js";
import { amount, Dates, plural } from "./words.js";

const AHEAD = 60; // days that should lie ready
const CHARTS = ["missing", "recruited", "identified", "cost"];
const BESIDE = "(min-width: 1000px)"; // where a lesson stands beside the maps, as in the style sheet
const PATIENCE = 8000; // ms until a server that does not answer has gone

/** Puts a page into an element. `bridge` is {send(method, args), mode}; the answer is {receive(method, args, buffers), close()}. */
export function mount(element, bridge) {
  element.classList.add("room");
  if (bridge.mode !== "file") dress();
  if (bridge.mode !== "room" && bridge.mode !== "file") return new Page(element, bridge);
  const room = new Room(element, bridge);
  if (globalThis.uPlot) return room;
  const waiting = []; // until the charts' library is here
  const receive = room.receive.bind(room);
  room.receive = (...message) => waiting.push(message);
  document.head.append(h("script", { src: beside("vendor/uPlot.iife.min.js"), onload: () => {
    room.receive = receive;
    waiting.forEach((message) => receive(...message));
  } }));
  return room;
}

/** A page in the program, {mode, send, onmessage}, or in a file that was taken away, {takenAway: true}. */
export function start(element, options) {
  if (options.takenAway) return playFile(element);
  const page = mount(element, options);
  let last = Promise.resolve(); // messages are unpacked and received in the order in which they were sent
  options.onmessage?.((method, args, buffers = []) => {
    last = last.catch(() => {}).then(async () => {
      const whole = await Promise.all(buffers.map((buffer) => inflated(buffer, "deflate")));
      if (args.packed) args = { ...args, ...JSON.parse(new TextDecoder().decode(whole.shift())) };
      page.receive(method, args, whole);
    });
  });
  return page;
}

function inflated(content, format) {
  return new Response(new Blob([content]).stream().pipeThrough(new DecompressionStream(format))).arrayBuffer();
}

/** Plays what the file holds: a setup, chunks and stories, as JSON with gzipped buffers in base64. */
async function playFile(element) {
  const taken = JSON.parse(document.getElementById("taken-away").textContent);
  const unpack = (text) => inflated(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)), "gzip");
  const stories = JSON.parse(new TextDecoder().decode(await unpack(taken.stories)));
  const page = mount(element, { mode: "file", send: (method, { id }) => method === "follow" && stories[id] && page.receive("child", stories[id]) });
  page.receive("setup", taken.setup);
  for (const { args, buffer } of taken.chunks) page.receive("chunk", args, [await unpack(buffer)]);
  for (const [method, args] of taken.messages ?? []) page.receive(method, args);
  return page;
}

function beside(name) {
  return new URL(name, import.meta.url).href;
}

/** What the page around lacks: our style, its language, and that it may be enlarged. */
function dress() {
  document.documentElement.lang = "en-GB";
  document.querySelector('meta[name="viewport"]')?.setAttribute("content", "width=device-width, initial-scale=1");
  for (const name of ["vendor/uPlot.min.css", "style.css"]) {
    const href = beside(name);
    if (![...document.styleSheets].some((sheet) => sheet.href === href)) document.head.append(h("link", { rel: "stylesheet", href }));
  }
}

/** The pages without a clock. */
class Page {
  constructor(element, bridge) {
    this.main = h("main", { id: "main", tabindex: "-1" }, bridge.mode === "about" ? aboutPage() : h("p", { role: "status" }, "One moment …"));
    element.replaceChildren(header(bridge.mode), this.main, footer());
    const hiding = new Hiding(element, () => {});
    this.onkey = (event) => event.key === "Escape" && hiding.escape(event.timeStamp);
    document.addEventListener("keydown", this.onkey);
    this.mode = bridge.mode;
    bridge.send("start", { mode: bridge.mode });
  }
  receive(method, args) {
    if (method === "lessons" && this.mode === "lessons") this.main.replaceChildren(...lessonsPage(args.lessons).flat());
    if (method === "results" && this.mode === "results") this.main.replaceChildren(...resultsPage(args.studies).flat());
    if (method === "problem") this.main.append(h("p", { class: "problem", role: "alert" }, args.text));
  }
  close() {
    document.removeEventListener("keydown", this.onkey);
  }
}

class Room {
  constructor(element, bridge) {
    Object.assign(this, { element, bridge, fromFile: bridge.mode === "file", t: 0, speed: 4, playing: false, child: null, covered: false, view: "places", charts: [], lessons: [], waiting: [] });
    this.link = readLink(this.fromFile);
    this.speed = this.link.speed ?? 4;
    this.#build();
    this.#listen();
    if (!this.fromFile) {
      bridge.send("start", { mode: "room", world: this.link.world, seed: this.link.seed, policies_a: this.link.a, policies_b: this.link.b, lesson: this.link.lesson, day: this.link.day });
      this.beat = setInterval(() => this.#alive(), 5000);
    }
  }

  // -- what is on the page -----------------------------------------------------------------------------------------

  #build() {
    const { element } = this;
    this.status = h("p", { class: "status", role: "status" }, "Getting the children and the places ready …");
    this.gone = h("p", { class: "gone", role: "alert", hidden: true });
    this.spoken = h("p", { class: "spoken", "aria-live": "polite" });
    this.scale = h("p", { class: "scale" });
    this.where = h("p", { class: "where" });
    this.maps = h("div", { class: "maps" });
    this.legend = h("div", { class: "legend" });
    this.chartGrid = h("div", { class: "charts" });
    this.moreGrid = h("div", { class: "charts" });
    this.moreCharts = h("details", { class: "more" }, h("summary", {}, "More charts"), this.moreGrid);
    this.moreCharts.addEventListener("toggle", () => this.#sizeCharts());
    this.drawer = new Dialog(element, "drawer", "drawer");
    this.dialog = new Dialog(element, "dialog");
    this.panel = new LessonPanel(this, this.drawer);
    this.cards = new Cards(this, this.drawer);
    this.followed = new FollowedChild(this);
    this.hiding = new Hiding(element, () => this.pause());
    this.head = header(this.bridge.mode);
    this.presentButton = button("Present", () => this.present(), { "aria-pressed": "false", class: "quiet" });
    this.head.append(
      h("div", { class: "tools" },
        this.presentButton,
        this.fromFile ? null : button("Copy link", () => this.#copyLink(), { class: "quiet" }),
        this.fromFile ? null : (this.exportButton = button("Save as a file", () => this.#export(), { class: "quiet", title: "One file with both futures that plays without this program" })),
        button("Keys and help", () => this.#help(), { class: "quiet" }),
        button("Hide (Esc Esc)", () => this.hiding.hide(), { class: "quiet" })),
    );
    this.main = h("main", { id: "main", tabindex: "-1" },
      h("div", { class: "title" }, h("h1", {}, "Two futures of the same children"), this.where),
      this.gone,
      h("div", { class: "stage" }, this.panel.element, h("div", { class: "futures" },
        this.#transport(), this.maps, this.legend, this.chartGrid, this.moreCharts, this.followed.element, this.fromFile ? null : this.cards.element)));
    for (const part of [this.maps, this.legend, this.chartGrid, this.moreCharts, this.followed.element, this.cards.element]) part.hidden = true;
    element.prepend(this.head, this.main, footer(), this.spoken);
  }

  #transport() {
    const icon = (path) => {
      const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      svg.setAttribute("viewBox", "0 0 24 24");
      svg.setAttribute("aria-hidden", "true");
      const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
      shape.setAttribute("d", path);
      svg.append(shape);
      return svg;
    };
    this.icons = { play: icon("M7 4v16l13-8z"), pause: icon("M6 4h4v16H6zM14 4h4v16h-4z") };
    this.playWord = h("span", {}, "Play");
    this.playButton = h("button", { type: "button", class: "primary play", onclick: () => this.toggle() }, this.icons.play, this.playWord);
    this.back = h("button", { type: "button", "aria-label": "One day back", onclick: () => this.step(-1) }, icon("M16 4v16L5 12zM3 4h2v16H3z"));
    this.forward = h("button", { type: "button", "aria-label": "One day on", onclick: () => this.step(1) }, icon("M8 4v16l11-8zM19 4h2v16h-2z"));
    this.scrub = h("input", { type: "range", id: "scrub", "aria-label": "Day", min: 0, max: 1, step: 1, value: 0, oninput: () => this.seek(Number(this.scrub.value)) });
    this.date = h("p", { class: "date" }, "–");
    this.weekday = h("span", {});
    this.dayOf = h("span", {});
    this.speedChoice = h("select", { id: "speed", onchange: () => this.setSpeed(Number(this.speedChoice.value)) }, SPEEDS.map((days) => h("option", { value: days, selected: days === this.speed }, plural(days, "day"))));
    this.viewChoice = h("select", { id: "view", onchange: () => this.look(this.viewChoice.value) });
    return h("section", { class: "transport", "aria-label": "Clock" },
      h("div", { class: "buttons" }, this.back, this.playButton, this.forward),
      h("div", { class: "when" }, this.date, h("p", { class: "sub" }, this.weekday, this.dayOf)),
      h("div", { class: "scrub" }, this.scrub, this.status),
      h("div", { class: "choices" }, h("label", { for: "speed" }, "A second is"), this.speedChoice, h("label", { for: "view" }, "Show"), this.viewChoice));
  }

  #drawLegend() {
    const { setup } = this;
    const shapes = setup.states.slice(0, 6).map((state, i) => {
      const canvas = h("canvas", { width: 44, height: 44, "aria-hidden": "true" });
      drawShape(canvas.getContext("2d"), LOOKS[i], 22, 22, LOOKS[i].shape === "dot" ? 9 : 15);
      const count = h("span", { class: "count" });
      return h("li", {}, canvas, state, count);
    });
    const arcs = [1, 3, 6].map((children) => h("li", {}, h("span", { class: "arc", style: `--width:${arcWidth(children)}px`, "aria-hidden": "true" }), plural(children, "child", "children")));
    this.legend.replaceChildren(
      h("div", {}, h("h2", {}, "A dot is an invented child, today"), h("ul", {}, shapes)),
      h("div", {}, h("h2", {}, "An arc is a line, and the children on it now"), h("ul", {}, arcs)),
      this.scale,
    );
  }

  // -- messages from Python ----------------------------------------------------------------------------------------

  receive(method, args, buffers = []) {
    this.asks = null;
    this.#here();
    if (method === "setup") this.#setup(args);
    else if (method === "chunk") this.#chunk(args, buffers[0]);
    else if (method === "ribbons") this.#ribbons(args.ribbons);
    else if (method === "cards") this.#cards(args);
    else if (method === "lessons") this.#lessons(args.lessons);
    else if (method === "child") this.followed.told(args);
    else if (method === "export") this.#exported(args);
    else if (method === "progress") this.#busy(args.text);
    else if (method === "problem") this.#problem(args.text);
  }

  /** A new pair of futures. If one is on the screen it stays there until the new one has come as far as today. */
  #setup(setup) {
    const futures = setup.futures.map(() => new Future(setup.first_day, setup.last_day, setup.children, setup.measures));
    this.next = { setup, futures };
    this.asked = 0;
    this.#busy("The simulation lives the new days …");
  }

  #chunk(header, buffer) {
    const to = this.next ?? this;
    if (!to.setup) return;
    const i = to.setup.futures.findIndex((future) => future.id === header.future);
    if (i < 0) return;
    if (header.newcomers?.length) {
      const { children } = to.setup;
      for (const child of header.newcomers) if (child.id >= children.length) children.push(child);
      if (to === this) {
        this.layout.grow();
        this.resize();
      }
    }
    to.futures[i].add(header, buffer);
    this.asked = 0;
    if (this.next && this.#isReady(this.next)) this.#open();
    if (!this.next) {
      this.stale = true;
      this.panel.look();
      this.#need();
      this.dirty();
    }
  }

  #isReady({ setup, futures }) {
    const known = Math.min(...futures.map((future) => future.known));
    const today = this.setup ? this.day : (this.link.day ?? setup.first_day);
    return known >= Math.min(Math.max(today, setup.first_day), setup.last_day);
  }

  #open() {
    const first = !this.setup;
    const { setup, futures } = this.next;
    this.next = null;
    Object.assign(this, { setup, futures, dates: new Dates(setup.first_date), layout: new Layout(setup) });
    this.t = Math.max(setup.first_day, Math.min(first ? (this.link.day ?? setup.first_day) : this.t, this.known));
    this.sides = setup.futures.map((_, i) => new Side(this, i));
    this.maps.replaceChildren(...this.sides.map((side) => side.element));
    this.views = this.sides.map((side) => side.view);
    this.scrub.min = setup.first_day;
    this.scrub.max = setup.last_day;
    write(this.where, `${setup.world.title}, seed ${setup.seed}`);
    write(this.scale, setup.scale);
    this.#views();
    this.#drawLegend();
    this.#makeCharts();
    this.cards.setup(setup);
    this.followed.setup(setup);
    for (const part of [this.maps, this.legend, this.chartGrid, this.moreCharts, this.followed.element, this.cards.element]) part.hidden = false;
    this.cover(this.covered);
    this.resize();
    this.#busy("");
    this.stale = true;
    if (first) this.#restore();
    else if (this.child !== null) this.follow(this.child < setup.children.length ? this.child : null, false);
    this.#need();
    this.dirty();
    if (!first) {
      this.say(`The days are new. Left: ${setup.futures[0].title}. Right: ${setup.futures[1].title}.`);
      this.remember();
    }
  }

  #restore() {
    if (this.link.view !== undefined) this.look(this.link.view);
    if (this.link.child !== undefined && this.link.child < this.setup.children.length) this.follow(this.link.child, false);
    if (this.link.lesson && this.lessons.length) this.#openLesson();
  }

  #lessons(lessons) {
    this.lessons = lessons;
    if (this.fromFile && lessons.length) this.#lessonMenu();
    if (this.setup && this.link.lesson && !this.panel.lesson) this.#openLesson();
  }

  #cards({ cards, worlds }) {
    this.cards.show(cards, worlds ?? []);
    this.remember();
  }

  /** Another world or another seed, with the policies that are in use now. */
  startAnew(world, seed) {
    if (this.#isCutOff()) return;
    this.pause();
    this.follow(null, false);
    const [a, b] = this.setup.futures.map((future) => future.policies);
    this.bridge.send("start", { mode: "room", world, seed, policies_a: a, policies_b: b, day: this.day });
    this.#busy("Getting the children and the places ready …");
  }

  #openLesson() {
    const lesson = this.lessons.find((one) => one.id === this.link.lesson);
    if (lesson) this.panel.open(lesson, (this.link.scene ?? 1) - 1);
    this.link.lesson = null;
  }

  #ribbons(ribbons) {
    const to = this.next ? this.next.setup : this.setup;
    if (!to) return;
    to.ribbons = new Map(ribbons.map((ribbon) => [ribbon.measure, ribbon]));
    this.panel.again?.();
    this.stale = true;
    this.dirty();
  }

  #problem(text) {
    this.next = null;
    this.asked = 0;
    this.#busy("");
    if (this.exportButton) this.exportButton.disabled = false;
    if (this.setup) this.dialog.show("That cannot be done", h("p", {}, text));
    else this.main.append(h("p", { class: "problem", role: "alert" }, text, " ", h("a", { href: location.pathname }, "Open the room as it usually begins.")));
  }

  #exported({ address, name }) {
    this.exportButton.disabled = false;
    this.#busy("");
    const a = h("a", { href: address, download: name });
    this.element.append(a);
    a.click();
    a.remove();
    this.say(`${name} is being saved.`);
  }

  // -- the server is there or not ------------------------------------------------------------------------------------

  #alive() {
    const now = performance.now();
    if (this.asks && now - this.asks > PATIENCE) this.#lost();
    this.asks ??= now; // a tab in the background is woken seldom: what counts is a question that stays without an answer
    this.bridge.send("alive", { n: (this.beats = (this.beats ?? 0) + 1) });
  }

  #lost() {
    if (!this.gone.hidden) return;
    this.gone.textContent = this.setup
      ? `The program behind this page no longer answers. What is already here still plays, to ${this.dates.long(this.known)}; nothing can be changed. Start it again and reload the page: the link in the address bar restores this view.`
      : "The program behind this page does not answer. Start it again and reload the page.";
    this.gone.hidden = false;
    if (this.next) this.next = null;
    if (this.exportButton) this.exportButton.disabled = false;
    this.#busy("");
  }

  /** Is nobody there who could do what is asked? Then it is said, and not waited for. */
  #isCutOff() {
    if (!this.gone.hidden) this.dialog.show("That cannot be done", h("p", {}, this.gone.textContent));
    return !this.gone.hidden;
  }

  #here() {
    if (this.gone && !this.gone.hidden) this.gone.hidden = true;
  }

  // -- the clock -------------------------------------------------------------------------------------------------------

  get day() {
    return Math.floor(this.t);
  }
  get known() {
    return Math.min(...this.futures.map((future) => future.known));
  }
  get isStill() {
    return globalThis.matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    if (!this.setup || this.playing) return;
    if (!this.noted) {
      this.#contentNote(() => this.play());
      return;
    }
    if (this.day >= this.setup.last_day) this.t = this.setup.first_day;
    this.playing = true;
    this.last = null;
    this.playButton.replaceChildren(this.icons.pause, this.playWord);
    write(this.playWord, "Pause");
    this.dirty();
  }

  pause() {
    this.until = null;
    if (!this.playing) return;
    this.playing = false;
    this.t = this.day;
    this.playButton.replaceChildren(this.icons.play, this.playWord);
    write(this.playWord, "Play");
    this.dirty();
    this.#said();
    this.remember();
  }

  step(days) {
    if (!this.setup) return;
    this.pause();
    this.seek(this.day + days);
    this.#said();
  }

  /** Goes to a day: at once if it is here, otherwise as soon as it has come. */
  seek(day) {
    if (!this.setup) return;
    const wanted = Math.max(this.setup.first_day, Math.min(day, this.setup.last_day));
    this.goal = wanted > this.known ? wanted : null;
    this.t = Math.min(wanted, Math.max(this.known, this.setup.first_day));
    this.#need();
    this.dirty();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.remember(), 400);
  }

  /** Plays to a day and then calls `then`; without motion it goes there at once. */
  playTo(day, then) {
    if (!this.noted) {
      this.#contentNote(() => this.playTo(day, then));
      return;
    }
    this.whenAt(day, then);
    if (this.isStill || this.day >= day) this.seek(day);
    else {
      this.play();
      this.until = { day, speed: Math.max(this.speed, (day - this.t) / 8) };
    }
  }

  whenAt(day, then) {
    this.waiting.push({ day, then });
    this.dirty();
  }

  setSpeed(days) {
    this.speed = days;
    this.speedChoice.value = days;
    this.remember();
  }

  #need() {
    if (this.fromFile || !this.setup || this.next) return;
    const now = performance.now();
    const wanted = Math.min(this.setup.last_day, Math.max(this.day, this.goal ?? 0) + AHEAD);
    if (this.known >= wanted || (this.asked && now - this.asked < 20000)) return;
    this.asked = now;
    this.bridge.send("need", { first: Math.min(wanted, this.known + 1), future: "a" });
  }

  dirty() {
    this.frame ??= requestAnimationFrame((time) => this.#tick(time));
  }

  #tick(time) {
    this.frame = null;
    if (!this.setup) return;
    const seconds = this.last ? Math.min(0.25, (time - this.last) / 1000) : 0;
    this.last = time;
    const known = this.known;
    if (this.goal) {
      this.t = Math.min(this.goal, known);
      if (known >= this.goal) this.goal = null;
    }
    if (this.playing) {
      this.t = Math.min(this.t + seconds * (this.until?.speed ?? this.speed), known, this.until?.day ?? Infinity);
      if (this.t >= this.setup.last_day || (this.until && this.t >= this.until.day)) this.pause();
      this.#need();
    }
    this.draw();
    for (const one of this.waiting.filter(({ day }) => this.day === day && !this.goal)) {
      this.waiting.splice(this.waiting.indexOf(one), 1);
      one.then();
    }
    const stuck = (this.playing && this.t >= known) || this.goal;
    if (!this.next) this.#busy(!stuck ? "" : this.goal ? `Living the days until ${this.dates.long(this.goal)} …` : "Waiting for the next days …");
    if (this.playing || this.goal) this.dirty();
  }

  /** One frame: both maps always, words and numbers at most ten times a second. */
  draw() {
    const t = this.isStill ? this.day : this.t;
    this.views.forEach((view, i) => this.isCovered(i) || view.draw(this.futures[i], t, this.child));
    if (this.stale) this.#updateCharts();
    this.charts.forEach((chart) => chart.today(this.t));
    const now = performance.now();
    if (this.day === this.told && !this.stale) return;
    if (this.playing && now - (this.toldAt ?? 0) < 100) return;
    this.stale = false;
    this.told = this.day;
    this.toldAt = now;
    this.#tell();
  }

  #tell() {
    const { day, setup, dates } = this;
    write(this.date, dates.long(day));
    write(this.weekday, dates.weekday(day));
    write(this.dayOf, `, day ${day - setup.first_day + 1} of ${setup.last_day - setup.first_day + 1}`);
    if (this.goal === null || this.goal === undefined) this.scrub.value = day;
    this.scrub.setAttribute("aria-valuetext", dates.long(day));
    for (const side of this.sides) side.tell();
    this.followed.refresh();
  }

  #said() {
    this.say(`${this.dates.long(this.day)}. ${this.sides.map((side) => side.sentence()).join(" ")}`);
  }

  say(text) {
    write(this.spoken, text);
  }

  #busy(text) {
    write(this.status, text);
    this.main.setAttribute("aria-busy", String(Boolean(text)));
  }

  // -- what the drawer shows -------------------------------------------------------------------------------------------

  #chartTable(chart) {
    const [columns, rows] = chart.table(this.t, this.covered);
    this.drawer.show(chart.measure.label, table(chart.measure.definition, columns, rows));
  }

  showEvidence(measure) {
    const index = this.setup.measures.indexOf(measure);
    const [a, b] = this.futures.map((future) => amount(future.number(index, this.day), measure));
    this.drawer.show(
      measure.label,
      definitions([
        ["What it counts", measure.definition],
        ["Unit", measure.kind === "stock" ? measure.unit : `${measure.unit}, since ${this.dates.long(this.setup.first_day)}`],
        [this.setup.futures[0].title, a],
        [this.setup.futures[1].title, this.covered ? "covered" : b],
        ["Where it comes from", measure.source],
        ["Grade", measure.grade ? gradeWords(measure.grade) : null],
      ]),
      h("h3", {}, "The numbers behind it, and their evidence"),
      evidence(measure.evidence),
    );
  }

  // -- charts ------------------------------------------------------------------------------------------------------------------

  #makeCharts() {
    for (const chart of this.charts) chart.plot.destroy();
    this.chartGrid.replaceChildren();
    this.moreGrid.replaceChildren();
    const handlers = { onScrub: (day) => this.seek(day), onEvidence: (measure) => this.showEvidence(measure), onTable: (chart) => this.#chartTable(chart) };
    this.charts = this.setup.measures.map((measure, m) => new Chart(CHARTS.includes(measure.name) ? this.chartGrid : this.moreGrid, m, measure, this.setup, this.dates, handlers));
    this.moreCharts.hidden = !this.moreGrid.children.length;
  }

  #updateCharts() {
    const ribbons = this.setup.ribbons;
    for (const chart of this.charts) {
      chart.ribbon = ribbons?.get(chart.measure.name) ?? {};
      if (chart.element.parentElement === this.moreGrid && !this.moreCharts.open) chart.rows = this.futures.map((future) => future.numbers[chart.index]);
      else chart.update(this.futures, this.covered);
    }
  }

  #sizeCharts() {
    for (const chart of this.charts) if (chart.holder.clientWidth) chart.size();
    if (this.setup) this.#updateCharts();
  }

  // -- the view ----------------------------------------------------------------------------------------------------------------

  isCovered(i) {
    return this.covered && i === 1;
  }

  /** Covers the right future and says why, or uncovers it. */
  cover(covered, why = this.whyCovered) {
    this.covered = covered;
    this.whyCovered = why;
    if (!this.sides) return;
    this.sides[1].hide(covered, why);
    this.stale = true;
    this.dirty();
  }

  follow(child, asked = true) {
    if (!this.setup) return;
    const id = child === null || !(child >= 0 && child < this.setup.children.length) ? null : child;
    if (id === null && child !== null) this.say("There is no child of that number.");
    this.child = id;
    if (id !== null) {
      this.bridge.send("follow", { id });
      if (asked) this.say(`Following child ${id}.`);
    }
    this.followed.refresh(true);
    this.told = null;
    this.dirty();
    this.remember();
  }

  look(view) {
    const known = [...this.viewChoice.options].some((option) => option.value === String(view)) ? view : "places"; // a link may name anything
    this.view = known === "places" || known === "england" ? known : Number(known);
    this.viewChoice.value = String(known);
    this.resize();
    this.remember();
  }

  #views() {
    const inside = this.setup.places.filter((place) => place.inside);
    const options = [["places", inside.length === 1 ? inside[0].name : "the places simulated"], ["england", "all of England"], ...(inside.length > 1 && inside.length < 40 ? inside.map((place) => [place.id, place.name]) : [])];
    this.viewChoice.replaceChildren(...options.map(([value, name]) => h("option", { value, selected: String(value) === String(this.view) }, name)));
  }

  resize() {
    if (!this.setup) return;
    const width = Math.floor(this.sides[0].figure.clientWidth);
    if (!width) return;
    const presents = this.element.classList.contains("present");
    const isBeside = this.panel.lesson && globalThis.matchMedia(BESIDE).matches;
    const left = globalThis.innerHeight - (this.sides[0].figure.getBoundingClientRect().top + globalThis.scrollY) - (presents ? 72 : 28); // below the maps' upper edge
    const height = Math.round(Math.min(width * 0.82, isBeside ? Math.max(220, left) : Math.max(260, globalThis.innerHeight * 0.5)));
    const letters = presents ? Math.max(1.5, globalThis.innerHeight / 480) : 1; // to be read from the back of a room
    this.layout.fit(width, height, Math.min(2, globalThis.devicePixelRatio || 1), this.view, letters);
    for (const side of this.sides) side.canvas.style.height = `${height}px`;
    this.#sizeCharts();
    this.stale = true;
    this.followed.refresh();
    this.dirty();
  }

  present() {
    const on = this.element.classList.toggle("present");
    this.presentButton.setAttribute("aria-pressed", String(on));
    write(this.presentButton, on ? "End presenting" : "Present");
    if (on) this.element.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
    setTimeout(() => this.resize(), 60);
  }

  // -- changes, links, files -----------------------------------------------------------------------------------------------------

  /** Asks for other policies: {policy, settings, from_day, future}; from_day undefined is today, null the first day. */
  change(wish) {
    if (this.#isCutOff()) return;
    this.pause();
    const from = wish.from_day === null ? this.setup.first_day : this.day;
    this.bridge.send("change", { ...wish, from_day: from, day: this.day });
    this.#busy(wish.from_day === null ? "The simulation lives all days again …" : "The simulation goes on from today …");
  }

  remember() {
    if (!this.setup) return;
    const query = writeLink(this);
    try {
      history.replaceState(history.state, "", this.fromFile ? `#${query}` : `${location.pathname}?${query}`);
    } catch {
      // a page that is not allowed to change its address has no link
    }
  }

  async #copyLink() {
    this.remember();
    const field = h("input", { type: "text", readonly: true, value: location.href, "aria-label": "Link to this view" });
    let copied = true;
    await navigator.clipboard?.writeText(location.href).catch(() => (copied = false));
    this.dialog.show("Link to this view", h("p", {}, copied && navigator.clipboard ? "It is copied. It restores the world, the seed, both futures, the day and whom you follow, on any machine with this version of the program." : "Copy it from here:"), field);
    field.select();
  }

  #export() {
    if (this.#isCutOff()) return;
    this.exportButton.disabled = true;
    this.#busy("Making a file of both futures …");
    this.bridge.send("export", {});
  }

  #lessonMenu() {
    const open = (lesson) => () => {
      this.dialog.element.close();
      this.panel.open(lesson);
    };
    const menu = () => this.dialog.show("Lessons in this file", h("ul", { class: "plain" }, this.lessons.map((lesson) => h("li", {}, button(lesson.title, open(lesson)), " ", lesson.summary))));
    this.head.querySelector(".tools").prepend(button("Lessons", menu, { class: "quiet" }));
  }

  #help() {
    const keys = h("input", { type: "checkbox", id: "keys-on", checked: this.keysOff ? null : true, onchange: () => (this.keysOff = !keys.checked) });
    this.dialog.show(
      "Keys and help",
      h("dl", { class: "keys" }, KEYS.map(([key, what]) => h("div", {}, h("dt", {}, key), h("dd", {}, what)))),
      h("label", { class: "check" }, keys, " Single keys work (Escape twice always does)"),
      h("p", {}, HELP),
    );
  }

  /** What one should know before the first play; `then` is done when somebody begins. */
  #contentNote(then) {
    const begin = button("Begin", () => {
      this.noted = true;
      this.dialog.element.close();
      then();
    }, { class: "primary", onkeydown: (event) => {
      if (event.key !== "PageDown") return; // a clicker has no other key
      event.preventDefault();
      event.stopPropagation();
      begin.click();
    } });
    this.dialog.show("Before you begin", ...NOTE.map((text) => h("p", {}, text)), h("p", {}, HELP), h("div", { class: "row" }, begin));
    begin.focus();
  }

  // -- keys ------------------------------------------------------------------------------------------------------------------------

  #listen() {
    this.onkey = (event) => this.#key(event);
    this.onresize = () => this.resize();
    document.addEventListener("keydown", this.onkey);
    globalThis.addEventListener("resize", this.onresize);
    this.onfull = (event) => {
      if (document.fullscreenElement || !this.element.classList.contains("present")) return;
      this.hiding.escape(event.timeStamp); // the browser has taken this Escape for itself
      this.present();
    };
    document.addEventListener("fullscreenchange", this.onfull);
  }

  #key(event) {
    if (event.key === "Escape") {
      this.hiding.escape(event.timeStamp);
      return;
    }
    if (this.keysOff || !this.setup || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target } = event;
    const scene = this.panel.lesson;
    const clicked = scene && /^Page(Up|Down)$/.test(event.key); // a clicker leads through the lesson, wherever the mouse was last
    if (!clicked && target.closest?.("input, select, textarea")) return;
    if (event.key === " " && target.closest?.("button, a, summary")) return;
    const acts = {
      " ": () => this.toggle(),
      ArrowRight: () => this.step(1),
      ArrowLeft: () => this.step(-1),
      PageDown: () => (scene ? this.panel.click(1) : this.step(7)),
      PageUp: () => (scene ? this.panel.click(-1) : this.step(-7)),
      Home: () => this.step(-Infinity),
      End: () => this.step(this.known - this.day),
      "+": () => this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, SPEEDS.indexOf(this.speed) + 1)]),
      "-": () => this.setSpeed(SPEEDS[Math.max(0, SPEEDS.indexOf(this.speed) - 1)]),
      p: () => this.present(),
      "?": () => this.#help(),
    };
    const act = acts[event.key] ?? acts[event.key.toLowerCase()] ?? (scene && /^[1-9]$/.test(event.key) ? () => this.panel.go(Number(event.key) - 1) : null);
    if (!act) return;
    event.preventDefault();
    act();
  }

  close() {
    clearInterval(this.beat);
    document.removeEventListener("keydown", this.onkey);
    document.removeEventListener("fullscreenchange", this.onfull);
    globalThis.removeEventListener("resize", this.onresize);
    if (this.frame) cancelAnimationFrame(this.frame);
    this.setup = null;
  }
}
