// The map of one future: places, lines as arcs, children as dots whose colour and shape say where they are.
import { AT_HOME, MISSING, NOT_IN_THE_WORLD, NOWHERE } from "./days.js";

/** How each state looks, in the order of the simulation's bytes. Shape and colour say the same, so colour is never needed. */
export const LOOKS = [
  { colour: "#8793a0", shape: "dot", size: 1.0 },
  { colour: "#2f6ea8", shape: "square", size: 1.15 },
  { colour: "#a86f00", shape: "triangle", size: 1.75 },
  { colour: "#c2410c", shape: "diamond", size: 1.95 },
  { colour: "#6d2f8f", shape: "ring", size: 1.75 },
  { colour: "#1f6f5c", shape: "plus", size: 1.75 },
  null,
];
const PAPER = "#fbfaf7";
const LAND = "#f0ede5";
const COAST = "#cfc9bb";
const INK = "#1d2733";
const LINE = "#9a3412";
const ROOM_FOR = 2200; // children: dots keep their size while the shown children become more
const ROOM_TO_GROW = 1.7; // in a year about two thirds more children are shown than at its beginning
const GOLDEN = Math.PI * (3 - Math.sqrt(5));

/** A number in [0, 1) that belongs to a child and a purpose: the same in both maps and on every day. */
function chance(child, purpose) {
  let x = Math.imul(child + 1, 0x9e3779b1) ^ Math.imul(purpose + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return ((x ^ (x >>> 15)) >>> 0) / 4294967296;
}

/** Draws one state's shape of radius r around (x, y). */
export function drawShape(context, look, x, y, r) {
  context.fillStyle = context.strokeStyle = look.colour;
  context.beginPath();
  if (look.shape === "square") context.rect(x - r * 0.85, y - r * 0.85, 1.7 * r, 1.7 * r);
  else if (look.shape === "triangle") {
    context.moveTo(x, y - r * 1.1);
    context.lineTo(x + r, y + r * 0.75);
    context.lineTo(x - r, y + r * 0.75);
    context.closePath();
  } else if (look.shape === "diamond") {
    context.moveTo(x, y - r * 1.15);
    context.lineTo(x + r, y);
    context.lineTo(x, y + r * 1.15);
    context.lineTo(x - r, y);
    context.closePath();
  } else if (look.shape === "plus") {
    const w = r * 0.38;
    context.rect(x - w, y - r, 2 * w, 2 * r);
    context.rect(x - r, y - w, 2 * r, 2 * w);
  } else if (look.shape === "ring") {
    context.lineWidth = Math.max(1.5, r * 0.5);
    context.arc(x, y, r * 0.8, 0, 2 * Math.PI);
    context.stroke();
    return;
  } else context.arc(x, y, r, 0, 2 * Math.PI);
  context.fill();
}

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width));
  canvas.height = Math.max(1, Math.round(height));
  return canvas;
}

/** Where places and children are on the screen: one for both maps, so that a place is at the same spot in each. */
export class Layout {
  constructor(setup) {
    this.setup = setup;
    this.version = 0;
    this.at = new Int16Array(256).fill(-1); // id of a place to its index
    setup.places.forEach((place, i) => (this.at[place.id] = i));
    this.grow();
  }

  /** Children who are shown from now on find their spots; those who had one keep it, for each place has room for more, and only when one is full all are set anew. */
  grow() {
    const { children, places } = this.setup;
    const n = children.length;
    this.home = Uint8Array.from(children, (child) => child.home);
    this.residents = new Array(places.length).fill(0);
    this.rank = new Uint16Array(n);
    for (let i = 0; i < n; i++) this.rank[i] = this.residents[this.at[this.home[i]]]++;
    this.angle = Float32Array.from({ length: n }, (_, i) => 2 * Math.PI * chance(i, 1));
    this.spread = Float32Array.from({ length: n }, (_, i) => chance(i, 2));
    this.version++;
    if (this.capacity?.every((most, i) => this.residents[i] <= most)) return;
    this.capacity = this.residents.map((count) => Math.ceil(ROOM_TO_GROW * count));
    this.width = 0;
  }

  /** The view is "places" (where the children are at home), "england", or the id of a place; `letters` times as large as on a desk are the names. */
  fit(width, height, ratio, view, letters = 1) {
    const { places } = this.setup;
    if (width === this.width && height === this.height && ratio === this.ratio && view === this.view && letters === this.letters) return;
    Object.assign(this, { width, height, ratio, view, letters });
    const homes = places.filter((place, i) => place.inside ?? this.residents[i] > 0);
    const shown = view === "england" ? places : view === "places" ? homes : places.filter((place) => place.id === view);
    const points = shown.map((place) => [place.x, place.y]);
    const margin = view === "england" ? 22 : view === "places" ? 14 : 18; // km
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    const [west, east, south, north] = [Math.min(...xs) - margin, Math.max(...xs) + margin, Math.min(...ys) - margin, Math.max(...ys) + margin];
    const scale = Math.min(width / (east - west), height / (north - south));
    const left = width / 2 - (scale * (west + east)) / 2;
    const top = height / 2 + (scale * (south + north)) / 2;
    this.scale = scale;
    this.x = (km) => left + scale * km;
    this.y = (km) => top - scale * km;

    const roomy = Math.sqrt((0.2 * width * height) / (Math.PI * Math.max(ROOM_FOR, this.setup.children.length)));
    const crowd = Math.sqrt(Math.max(1, ...this.capacity));
    const wide = Math.min(0.62 * roomy, (0.07 * Math.min(width, height)) / crowd); // all of England: a place stays about as large as it is
    this.spacing = view === "england" ? Math.max(0.8, wide) : Math.max(1.5, Math.min(6.5, roomy * (typeof view === "number" ? 1.6 : 1)));
    this.dot = Math.max(view === "england" ? 0.5 : 1.1, Math.min(3.4, this.spacing * 0.4));
    this.px = Float64Array.from(places, (place) => this.x(place.x));
    this.py = Float64Array.from(places, (place) => this.y(place.y));
    this.radius = Float64Array.from(this.capacity, (count) => (count ? this.spacing * Math.sqrt(count) + 2 : 3.5));
    this.#separate();
    this.background = this.#background();
    this.labels = this.#labels();
    this.version++;
  }

  /** Discs of children that would cover one another move apart, as little as will do. */
  #separate() {
    const discs = this.residents.flatMap((count, i) => (count ? [i] : []));
    for (let round = 0; round < 80; round++) {
      let moved = false;
      for (let a = 0; a < discs.length; a++) {
        for (let b = a + 1; b < discs.length; b++) {
          const [i, j] = [discs[a], discs[b]];
          const dx = this.px[j] - this.px[i] || 0.01;
          const dy = this.py[j] - this.py[i];
          const distance = Math.hypot(dx, dy);
          const overlap = 1.14 * (this.radius[i] + this.radius[j]) + 10 - distance;
          if (overlap <= 0.3) continue;
          moved = true;
          const share = this.radius[j] / (this.radius[i] + this.radius[j]);
          this.px[i] -= (dx / distance) * overlap * share;
          this.py[i] -= (dy / distance) * overlap * share;
          this.px[j] += (dx / distance) * overlap * (1 - share);
          this.py[j] += (dy / distance) * overlap * (1 - share);
        }
      }
      for (const i of discs) {
        const reach = 1.1 * this.radius[i] + 12;
        if (this.view === "places" && 2 * reach < Math.min(this.width, this.height)) {
          this.px[i] = Math.max(reach, Math.min(this.width - reach, this.px[i]));
          this.py[i] = Math.max(reach, Math.min(this.height - reach - 8, this.py[i]));
        }
      }
      if (!moved) break;
    }
  }

  #background() {
    const canvas = canvasOf(this.width * this.ratio, this.height * this.ratio);
    const context = canvas.getContext("2d");
    context.scale(this.ratio, this.ratio);
    context.fillStyle = PAPER;
    context.fillRect(0, 0, this.width, this.height);
    context.fillStyle = LAND;
    context.strokeStyle = COAST;
    context.lineWidth = 1;
    for (const ring of this.setup.outline) {
      context.beginPath();
      ring.forEach(([x, y], i) => (i ? context.lineTo(this.x(x), this.y(y)) : context.moveTo(this.x(x), this.y(y))));
      context.closePath();
      context.fill();
      context.stroke();
    }
    const largest = Math.max(...this.setup.places.map((place) => place.population), 1);
    this.setup.places.forEach((place, i) => {
      const resident = this.residents[i] > 0;
      const r = resident ? 1.05 * this.radius[i] + 2 : this.setup.outline.length ? 2 : 2 + 9 * Math.sqrt(place.population / largest) * Math.min(1.4, Math.max(0.6, this.scale / 1.4));
      context.beginPath();
      context.arc(this.px[i], this.py[i], r, 0, 2 * Math.PI);
      context.fillStyle = resident ? "#ffffff" : this.setup.outline.length ? "#b9b2a3" : "#e9e5db";
      context.fill();
      context.strokeStyle = resident ? "#d8d2c5" : "#d5cfc2";
      context.stroke();
    });
    return canvas;
  }

  #labels() {
    const canvas = canvasOf(this.width * this.ratio, this.height * this.ratio);
    const context = canvas.getContext("2d");
    context.scale(this.ratio, this.ratio);
    context.textAlign = "center";
    context.lineJoin = "round";
    const { places } = this.setup;
    const inside = (i) => this.px[i] > 0 && this.px[i] < this.width && this.py[i] > 0 && this.py[i] < this.height;
    const order = places.map((_, i) => i).filter(inside).sort((a, b) => this.residents[b] - this.residents[a] || places[b].population - places[a].population);
    const taken = [];
    for (const i of order.slice(0, 60)) {
      const resident = this.residents[i] > 0;
      if (!resident && taken.length >= (this.view === "england" ? 14 : 12)) break;
      const size = (resident ? 13 : 11) * this.letters; // px
      context.font = `${resident ? "600 " : ""}${size}px Inter, system-ui, 'Segoe UI', Roboto, sans-serif`;
      const width = context.measureText(places[i].name).width;
      const gap = resident ? 1.05 * this.radius[i] + 4 + size : 4 + size;
      const x = Math.max(width / 2 + 4, Math.min(this.width - width / 2 - 4, this.px[i]));
      const y = this.py[i] + gap < this.height - 4 ? this.py[i] + gap : this.py[i] - gap + 0.8 * size;
      const box = [x - width / 2 - 3, y - size, x + width / 2 + 3, y + 0.3 * size];
      const hidden = taken.some((other) => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]);
      const away = (j) => Math.hypot(Math.max(box[0] - this.px[j], 0, this.px[j] - box[2]), Math.max(box[1] - this.py[j], 0, this.py[j] - box[3]));
      const covered = !resident && this.residents.some((count, j) => count && away(j) < this.radius[j]);
      if (hidden || covered) continue;
      taken.push(box);
      context.strokeStyle = "rgba(251, 250, 247, 0.9)";
      context.lineWidth = 3.5 * this.letters;
      context.strokeText(places[i].name, x, y);
      context.fillStyle = resident ? INK : "#55606c";
      context.fillText(places[i].name, x, y);
    }
    return canvas;
  }

  /** Where a child is drawn: in its own spot at home, among the others who came to a place, or beside it when missing. */
  spot(child, place, state, out, slot) {
    const home = this.at[this.home[child]];
    const at = place === NOWHERE ? home : this.at[place];
    if (at === home && state !== MISSING && place !== NOWHERE) {
      const r = this.spacing * Math.sqrt(this.rank[child] + 0.5);
      const angle = this.rank[child] * GOLDEN;
      out[slot] = this.px[home] + r * Math.cos(angle);
      out[slot + 1] = this.py[home] + r * Math.sin(angle);
      return;
    }
    const edge = this.radius[at];
    const r = this.residents[at] ? edge * 1.07 + 5 + 9 * this.spread[child] : edge + 9 * Math.sqrt(this.spread[child]);
    out[slot] = this.px[at] + r * Math.cos(this.angle[child]);
    out[slot + 1] = this.py[at] + r * Math.sin(this.angle[child]);
  }
}

/** Arcs of a day, those between the same two places together: [from, to, children, lines]. */
export function bundles(arcs) {
  const bundled = new Map();
  for (let i = 0; i < arcs.length; i += 4) {
    const key = arcs[i + 1] * 256 + arcs[i + 2];
    const one = bundled.get(key) ?? [arcs[i + 1], arcs[i + 2], 0, 0];
    one[2] += arcs[i + 3];
    one[3] += 1;
    bundled.set(key, one);
  }
  return bundled;
}

/** Width of an arc with so many children on it [px]. */
export function arcWidth(children) {
  return children > 0 ? Math.min(13, 1 + 1.2 * children) : 0.9;
}

export class MapView {
  constructor(canvas, layout) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.layout = layout;
    this.day = null;
    this.moving = 0;
  }

  resize() {
    const { width, height, ratio } = this.layout;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    this.still = canvasOf(width * ratio, height * ratio);
    this.stillContext = this.still.getContext("2d", { willReadFrequently: true });
    this.stillContext.drawImage(this.layout.background, 0, 0);
    this.empty = this.stillContext.getImageData(0, 0, this.still.width, this.still.height);
    this.pixels = this.stillContext.createImageData(this.empty);
    this.sprites = LOOKS.map((look) => look && this.#sprite(look));
    const n = this.layout.setup.children.length;
    this.from = new Float32Array(2 * n);
    this.to = new Float32Array(2 * n);
    this.movers = new Uint16Array(n);
    this.shown = this.layout.version;
    this.day = null;
  }

  #sprite(look) {
    const r = Math.max(look.size * this.layout.dot, look.shape === "dot" || look.shape === "square" ? 0 : 3.4) * this.layout.ratio;
    const size = 2 * Math.ceil(1.4 * r + 1);
    const canvas = canvasOf(size, size);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (look.shape !== "dot" && look.shape !== "square") {
      drawShape(context, { ...look, colour: "rgba(255, 255, 255, 0.85)" }, size / 2, size / 2, r * 1.3);
    }
    drawShape(context, look, size / 2, size / 2, r);
    return { canvas, half: size / 2, size, data: context.getImageData(0, 0, size, size).data };
  }

  /** Blends a sprite into the pixels of those who stay: thousands of dots cost a millisecond, where thousands of drawn images cost forty. */
  #stamp({ data, size, half }, x, y) {
    const { width, height, data: out } = this.pixels;
    const left = Math.round(x - half);
    const top = Math.round(y - half);
    if (left < 0 || top < 0 || left + size > width || top + size > height) return;
    for (let row = 0; row < size; row++) {
      let from = 4 * row * size;
      let to = 4 * ((top + row) * width + left);
      for (let column = 0; column < size; column++, from += 4, to += 4) {
        const alpha = data[from + 3];
        if (!alpha) continue;
        const part = alpha / 255;
        out[to] += (data[from] - out[to]) * part;
        out[to + 1] += (data[from + 1] - out[to + 1]) * part;
        out[to + 2] += (data[from + 2] - out[to + 2]) * part;
      }
    }
  }

  /** A new day: who stays is drawn once, who moves or changes is kept to be drawn at each frame. */
  #turn(future, day) {
    const { layout } = this;
    const today = future.at(day);
    const tomorrow = future.at(day + 1) ?? today;
    const n = layout.setup.children.length;
    const ratio = layout.ratio;
    this.pixels.data.set(this.empty.data);
    this.moving = 0;
    this.outside = 0;
    for (let wanted = 0; wanted < NOT_IN_THE_WORLD; wanted++) {
      const sprite = this.sprites[wanted];
      for (let i = 0; i < n; i++) {
        if (today.state[i] !== wanted) continue;
        layout.spot(i, today.place[i], wanted, this.from, 2 * i);
        const x = this.from[2 * i];
        const y = this.from[2 * i + 1];
        if (x < 0 || y < 0 || x > layout.width || y > layout.height) this.outside++;
        if (tomorrow.place[i] !== today.place[i] || tomorrow.state[i] !== wanted) {
          layout.spot(i, tomorrow.place[i], tomorrow.state[i], this.to, 2 * i);
          this.movers[this.moving++] = i;
        } else this.#stamp(sprite, x * ratio, y * ratio);
      }
    }
    for (let i = 0; i < n; i++) {
      if (today.state[i] !== NOT_IN_THE_WORLD || tomorrow.state[i] === NOT_IN_THE_WORLD) continue;
      layout.spot(i, tomorrow.place[i], tomorrow.state[i], this.to, 2 * i);
      this.from[2 * i] = this.to[2 * i];
      this.from[2 * i + 1] = this.to[2 * i + 1];
      this.movers[this.moving++] = i;
    }
    this.stillContext.putImageData(this.pixels, 0, 0);
    Object.assign(this, { day, today, tomorrow, arcsToday: bundles(today.arcs), arcsTomorrow: bundles(tomorrow.arcs) });
  }

  /** One frame at time t [days]: its whole part is the day, its fraction the way to the next. `followed` is a child or null. */
  draw(future, t, followed) {
    if (future.known < future.first) return;
    if (this.shown !== this.layout.version) this.resize();
    const day = Math.max(future.first, Math.min(Math.floor(t), future.known));
    const data = future.at(day);
    if (day !== this.day || data !== this.today || (future.at(day + 1) ?? data) !== this.tomorrow) this.#turn(future, day);
    const part = Math.max(0, Math.min(1, t - day));
    const eased = part * part * (3 - 2 * part);
    const { context, layout } = this;
    const ratio = layout.ratio;
    context.drawImage(this.still, 0, 0);
    context.save();
    context.scale(ratio, ratio);
    this.#arcs(part);
    context.restore();
    for (let k = 0; k < this.moving; k++) {
      const i = this.movers[k];
      const state = part < 0.5 ? this.today.state[i] : this.tomorrow.state[i];
      if (state === NOT_IN_THE_WORLD) continue;
      const { canvas, half } = this.sprites[state];
      const x = this.from[2 * i] + (this.to[2 * i] - this.from[2 * i]) * eased;
      const y = this.from[2 * i + 1] + (this.to[2 * i + 1] - this.from[2 * i + 1]) * eased;
      context.drawImage(canvas, x * ratio - half, y * ratio - half);
    }
    context.drawImage(layout.labels, 0, 0);
    if (followed !== null && this.today.state[followed] !== NOT_IN_THE_WORLD) this.#ring(followed, eased);
  }

  #arcs(part) {
    const { context, layout } = this;
    this.curves = [];
    context.lineCap = "round";
    for (const [key, [from, to, children, lines]] of this.arcsToday) {
      const next = this.arcsTomorrow.get(key);
      const on = children + ((next ? next[2] : children) - children) * part;
      const [i, j] = [layout.at[from], layout.at[to]];
      if (i < 0 || j < 0) continue;
      const curve = this.#curve(i, j);
      this.curves.push({ curve, from, to, children, lines });
      context.beginPath();
      context.moveTo(curve[0], curve[1]);
      context.bezierCurveTo(curve[2], curve[3], curve[4], curve[5], curve[6], curve[7]);
      context.lineWidth = arcWidth(on);
      context.strokeStyle = LINE;
      context.globalAlpha = on > 0 ? 0.6 : 0.25;
      context.stroke();
      if (i !== j) {
        context.beginPath();
        context.arc(curve[6], curve[7], 2.2 + arcWidth(on) / 2.4, 0, 2 * Math.PI);
        context.fillStyle = LINE;
        context.fill();
      }
    }
    context.globalAlpha = 1;
  }

  /** Control points from one place to another; a line within one place is a loop at its edge. */
  #curve(i, j) {
    const { px, py, radius, residents } = this.layout;
    if (i === j) {
      const r = radius[i] * (residents[i] ? 0.78 : 1);
      const [x, y, w] = [px[i] + r * 0.62, py[i] - r * 0.78, Math.max(18, radius[i] * 0.4)];
      return [x - w * 0.35, y, x - w * 0.4, y - w * 1.2, x + w * 1.1, y - w * 0.9, x + w * 0.4, y + w * 0.35];
    }
    const dx = px[j] - px[i];
    const dy = py[j] - py[i];
    const bend = 0.22;
    const [cx, cy] = [px[i] + dx / 2 + dy * bend, py[i] + dy / 2 - dx * bend];
    const edge = (k) => {
      const away = Math.hypot(cx - px[k], cy - py[k]) || 1;
      const r = residents[k] ? Math.min(1.05 * radius[k] + 3, away) : 0;
      return [px[k] + ((cx - px[k]) / away) * r, py[k] + ((cy - py[k]) / away) * r];
    };
    const [x0, y0] = edge(i);
    const [x3, y3] = edge(j);
    return [x0, y0, (x0 + 2 * cx) / 3, (y0 + 2 * cy) / 3, (x3 + 2 * cx) / 3, (y3 + 2 * cy) / 3, x3, y3];
  }

  #ring(child, eased) {
    const { context, layout } = this;
    const there = [0, 0, 0, 0];
    layout.spot(child, this.today.place[child], this.today.state[child], there, 0);
    layout.spot(child, this.tomorrow.place[child], this.tomorrow.state[child], there, 2);
    const x = there[0] + (there[2] - there[0]) * eased;
    const y = there[1] + (there[3] - there[1]) * eased;
    context.save();
    context.scale(layout.ratio, layout.ratio);
    const large = Math.sqrt(layout.letters);
    for (const [width, colour] of [[5, "#ffffff"], [2.5, INK]]) {
      context.beginPath();
      context.arc(x, y, 11 * large, 0, 2 * Math.PI);
      context.lineWidth = width * large;
      context.strokeStyle = colour;
      context.stroke();
    }
    context.restore();
  }

  /** What is at a point: {child}, {arc} or {place}, the nearest and the most telling; null for nothing. */
  pick(x, y) {
    if (!this.today) return null;
    const { layout, today } = this;
    let best = null;
    let nearest = 10;
    const there = [0, 0];
    for (let i = 0; i < today.state.length; i++) {
      if (today.state[i] === NOT_IN_THE_WORLD) continue;
      layout.spot(i, today.place[i], today.state[i], there, 0);
      const distance = Math.hypot(there[0] - x, there[1] - y) + (today.state[i] === AT_HOME ? 3 : 0);
      if (distance < nearest) [nearest, best] = [distance, { child: i }];
    }
    if (best) return best;
    for (const one of this.curves ?? []) {
      const [x0, y0, x1, y1, x2, y2, x3, y3] = one.curve;
      for (let k = 0; k <= 24; k++) {
        const u = k / 24;
        const v = 1 - u;
        const cx = v * v * v * x0 + 3 * v * v * u * x1 + 3 * v * u * u * x2 + u * u * u * x3;
        const cy = v * v * v * y0 + 3 * v * v * u * y1 + 3 * v * u * u * y2 + u * u * u * y3;
        if (Math.hypot(cx - x, cy - y) < 8) return { arc: one };
      }
    }
    const place = layout.px.findIndex((px, i) => Math.hypot(px - x, layout.py[i] - y) < layout.radius[i] + 8);
    return place >= 0 ? { place: layout.setup.places[place] } : null;
  }
}
