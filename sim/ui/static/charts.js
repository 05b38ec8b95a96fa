// Charts of both futures: drawn when days arrive, and not at each frame; what lies after today is under a curtain.
import { amount, capital } from "./words.js";
import { button, h } from "./parts.js";

export const COLOUR_A = "#1f4e79";
export const COLOUR_B = "#b3470e";
const RIBBON = "rgba(31, 78, 121, 0.14)";

export class Chart {
  constructor(parent, index, measure, setup, dates, { onScrub, onEvidence, onTable }) {
    Object.assign(this, { index, measure, dates, first: setup.first_day, last: setup.last_day, ribbon: {} });
    this.titles = setup.futures.map((future) => future.title);
    this.holder = h("div", { class: "plot", "aria-hidden": "true" });
    this.curtain = h("div", { class: "curtain" });
    this.now = h("div", { class: "now" });
    this.element = h(
      "section",
      { class: "chart", "aria-label": `Chart: ${measure.label}` },
      h("h3", {}, capital(measure.label), measure.kind === "stock" ? "" : ", so far"),
      this.holder,
      h("div", { class: "chart-foot" },
        button("Evidence", () => onEvidence(measure), { class: "quiet small", "aria-label": `Evidence for ${measure.label}` }),
        button("Table", () => onTable(this), { class: "quiet small", "aria-label": `Table of ${measure.label}` })),
    );
    parent.append(this.element);
    this.x = Array.from({ length: this.last - this.first + 1 }, (_, i) => dates.seconds(this.first + i));
    this.onScrub = onScrub;
    this.#make();
    this.holder.addEventListener("click", (event) => {
      const box = this.plot.over.getBoundingClientRect();
      const part = (event.clientX - box.left) / box.width;
      if (part >= 0 && part <= 1) onScrub(this.first + Math.round(part * (this.last - this.first)));
    });
  }

  #make() {
    const axis = { stroke: "#4b5763", grid: { stroke: "#e7e3da", width: 1 }, ticks: { show: false }, font: "11px Inter, system-ui, 'Segoe UI', Roboto, sans-serif" };
    const empty = this.x.map(() => null);
    this.plot = new globalThis.uPlot(
      {
        width: 320,
        height: 150,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: true, range: () => [this.x[0], this.x.at(-1)] }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.08 || 1] } },
        axes: [
          { ...axis, size: 30, space: 70, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toLocaleDateString("en-GB", { month: "short", year: "2-digit", timeZone: "UTC" })) },
          { ...axis, size: 50, space: 28, values: (_, ticks) => ticks.map((tick) => amount(tick, this.measure)) },
        ],
        tzDate: (seconds) => globalThis.uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        series: [
          {},
          { stroke: "transparent", points: { show: false } },
          { stroke: "transparent", points: { show: false } },
          { stroke: COLOUR_A, width: 2, points: { show: false } },
          { stroke: COLOUR_B, width: 2, dash: [6, 4], points: { show: false } },
        ],
        bands: [{ series: [2, 1], fill: RIBBON }],
      },
      [this.x, empty, empty, empty, empty],
      this.holder,
    );
    this.plot.over.append(this.curtain, this.now);
  }

  size() {
    const width = Math.max(160, Math.floor(this.holder.clientWidth));
    if (width !== this.plot.width) this.plot.setSize({ width, height: 150 });
  }

  /** The lines again, when days have come or gone; the second only if it may be seen. */
  update(futures, covered) {
    const across = (values, first) => this.x.map((_, i) => values?.[this.first + i - first] ?? null);
    const { low, high, first } = this.ribbon;
    this.rows = futures.map((future) => future.numbers[this.index]);
    this.plot.setData([this.x, across(low, first), across(high, first), this.rows[0], covered ? this.x.map(() => null) : this.rows[1]]);
  }

  today(t) {
    const part = Math.max(0, Math.min(1, (t - this.first) / Math.max(1, this.last - this.first)));
    this.now.style.left = this.curtain.style.left = `${100 * part}%`;
  }

  /** The chart as rows: the first day of each month up to today, and today. */
  table(t, covered) {
    const rows = [];
    const today = Math.floor(t);
    for (let day = this.first; day <= today; day++) {
      if (day !== today && day !== this.first && this.dates.of(day).getUTCDate() !== 1) continue;
      const k = day - this.first;
      const row = [this.dates.short(day), amount(this.rows[0][k], this.measure), covered ? "covered" : amount(this.rows[1][k], this.measure)];
      const r = day - this.ribbon.first;
      if (this.ribbon.low) row.push(this.ribbon.low[r] === undefined ? "–" : `${amount(this.ribbon.low[r], this.measure)} to ${amount(this.ribbon.high[r], this.measure)}`);
      rows.push(row);
    }
    const columns = ["Day", ...this.titles];
    if (this.ribbon.low) columns.push(`Range over ${this.ribbon.seeds} other seeds`);
    return [columns, rows];
  }
}
