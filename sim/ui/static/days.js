// The days of one future, as they come from the simulation: bytes for each child and day, arcs, and the numbers of the whole world.

export const NOWHERE = 255;
export const AT_HOME = 0;
export const MISSING = 4;
export const NOT_IN_THE_WORLD = 6;

/** A chunk's buffer as arrays. Throws where the length is not what the header promises. */
export function decode(header, buffer) {
  const bytes = buffer instanceof Uint8Array ? buffer : new Uint8Array(buffer.buffer ?? buffer, buffer.byteOffset ?? 0, buffer.byteLength);
  const cells = header.days * header.n;
  const arcs = header.arcs.reduce((sum, count) => sum + count, 0);
  const expected = 2 * cells + 8 * arcs + 4 * header.measures * header.days;
  if (bytes.byteLength !== expected) throw new Error(`a chunk of day ${header.first} has ${bytes.byteLength} bytes and should have ${expected}`);
  const tail = new DataView(bytes.buffer, bytes.byteOffset + 2 * cells, 8 * arcs + 4 * header.measures * header.days);
  const lines = new Uint16Array(4 * arcs);
  for (let i = 0; i < lines.length; i++) lines[i] = tail.getUint16(2 * i, true);
  const numbers = new Float32Array(header.measures * header.days);
  for (let i = 0; i < numbers.length; i++) numbers[i] = tail.getFloat32(8 * arcs + 4 * i, true);
  return { place: bytes.slice(0, cells), state: bytes.slice(cells, 2 * cells), lines, numbers };
}

/** All days of one future that are here, from `first` to `last` without a gap. `children` is the list of shown children, which grows. */
export class Future {
  constructor(first, last, children, measures) {
    Object.assign(this, { first, last, children, kinds: measures.map((one) => one.kind) });
    this.known = first - 1; // the last day of an unbroken row of days
    this.days = new Map(); // day to {place, state, arcs}
    this.numbers = measures.map(() => new Array(last - first + 1).fill(null)); // a stock of the evening; flows and costs since `first`
  }

  add(header, buffer) {
    const { place, state, lines, numbers } = decode(header, buffer);
    let arc = 0;
    for (let k = 0; k < header.days; k++) {
      const day = header.first + k;
      const from = k * header.n;
      const to = arc + 4 * header.arcs[k];
      this.days.set(day, { place: place.subarray(from, from + header.n), state: state.subarray(from, from + header.n), arcs: lines.subarray(arc, to) });
      arc = to;
      if (day > this.last) continue;
      const at = day - this.first;
      this.kinds.forEach((kind, m) => {
        const before = kind === "stock" || at === 0 ? 0 : this.numbers[m][at - 1];
        this.numbers[m][at] = before + numbers[m * header.days + k];
      });
    }
    while (this.days.has(this.known + 1)) this.known++;
  }

  /** The day as it is shown: {place, state, arcs}. Children who are shown since later were at home, or not yet in the world. */
  at(day) {
    const one = this.days.get(Math.max(this.first, Math.min(day, this.known)));
    if (one && one.state.length < this.children.length) {
      const newcomers = this.children.slice(one.state.length);
      const isHere = (child) => (child.from ?? 0) <= day;
      one.place = Uint8Array.from([...one.place, ...newcomers.map((child) => (isHere(child) ? child.home : NOWHERE))]);
      one.state = Uint8Array.from([...one.state, ...newcomers.map((child) => (isHere(child) ? AT_HOME : NOT_IN_THE_WORLD))]);
    }
    return one;
  }

  number(measure, day) {
    return this.numbers[measure]?.[day - this.first] ?? null;
  }

  /** How many shown children are in each state on a day. */
  counts(day, states) {
    const counts = new Array(states).fill(0);
    for (const state of this.at(day)?.state ?? []) counts[state]++;
    return counts;
  }
}

/** The first child, by day and then by number, whose state is `state` on `day` or later, and the day on which it is; null where there is none yet. */
export function firstIn(future, state, day) {
  for (let d = Math.max(day, future.first); d <= future.known; d++) {
    const child = future.at(d).state.indexOf(state);
    if (child >= 0) return { child, day: d };
  }
  return null;
}

/** The child whose two futures differ on most days until `until`; null where none differs. */
export function mostDifferent(a, b, until) {
  const days = new Uint16Array(a.children.length);
  for (let day = a.first; day <= Math.min(until, a.known, b.known); day++) {
    const one = a.at(day).state;
    const other = b.at(day).state;
    for (let i = 0; i < days.length; i++) if (one[i] !== other[i]) days[i]++;
  }
  const most = days.reduce((best, count, i) => (count > days[best] ? i : best), 0);
  return days[most] > 0 ? most : null;
}
