// Words and numbers, as one writes them in England.

const LONG_DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const SHORT_DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const WEEKDAY = new Intl.DateTimeFormat("en-GB", { weekday: "long", timeZone: "UTC" });
const WHOLE = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

/** Dates of a run whose day 1 is `first` ("YYYY-MM-DD"). */
export class Dates {
  constructor(first) {
    this.day1 = Date.parse(`${first}T00:00:00Z`);
  }
  of(day) {
    return new Date(this.day1 + (day - 1) * 86400000);
  }
  long(day) {
    return LONG_DATE.format(this.of(day));
  }
  short(day) {
    return SHORT_DATE.format(this.of(day));
  }
  weekday(day) {
    return WEEKDAY.format(this.of(day));
  }
  seconds(day) {
    return this.of(day).getTime() / 1000;
  }
}

/** A number with its unit, short enough for a tile. */
export function amount(value, measure) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (/pound|£/.test(measure.unit)) return pounds(value);
  return Math.abs(value) < 10 && !Number.isInteger(value) ? TENTHS.format(value) : WHOLE.format(value);
}

export function pounds(value) {
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size >= 999500) return `${sign}£${TENTHS.format(size / 1e6)} m`;
  if (size >= 10000) return `${sign}£${WHOLE.format(size / 1e3)} k`;
  return `${sign}£${WHOLE.format(size)}`;
}

/** The second future's number against the first's: "4 fewer", "the same". */
export function difference(a, b, measure) {
  if (a === null || b === null) return "";
  const gap = b - a;
  const shown = amount(Math.abs(gap), measure);
  if (shown === amount(0, measure)) return "the same";
  const money = /pound|£/.test(measure.unit);
  return `${shown} ${gap > 0 ? "more" : money ? "less" : "fewer"}`;
}

export function plural(count, one, many = `${one}s`) {
  return `${WHOLE.format(count)} ${count === 1 ? one : many}`;
}

export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function setting(value, whole) {
  return whole ? WHOLE.format(value) : String(Number(Number(value).toPrecision(4)));
}

/** A text of a lesson as it is set: its lines run on, its quotation marks are curly. */
export function typeset(text) {
  return text.trim().replace(/\s+/g, " ").replace(/"([^"]*)"/g, "“$1”").replace(/'/g, "’");
}
