// A line of hashrate over time, drawn by uPlot, with the same in words and as a table below it.
// The trap: a canvas knows no style sheet, so colours are looked up by their tokens, and again when the
// theme changes; and uPlot measures itself once, so its width follows an observer.

import { el, setText } from "./dom.js";
import { NOTHING, count, exact, rate, secondsSince } from "./format.js";
import { BAD, sum } from "./verdicts.js";

const uPlot = window.uPlot;
const DAY = 86_400;

const charts = new Set();

export function color(token) {
  const probe = el("span", { hidden: true });
  probe.style.color = `var(--${token})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export function redrawAll() {
  for (const chart of charts) chart.rebuild();
}

function pad(number) {
  return String(number).padStart(2, "0");
}

function moment(seconds, step) {
  const at = new Date(seconds * 1000);
  const day = `${at.getDate()} ${at.toLocaleString("en-GB", { month: "short" })}`;
  if (step >= DAY) return day;
  const clock = `${pad(at.getHours())}:${pad(at.getMinutes())}`;
  return step < 60 ? `${clock}:${pad(at.getSeconds())}` : clock;
}

// `what` is whose hashrate it is, for those who hear the page.
export class Chart {
  constructor(what) {
    this.what = what;
    this.points = [];
    this.plot = null;
    this.canvas = el("div", { class: "plot", role: "img", "aria-label": `Hashrate of ${what} over time` });
    this.empty = el("p", { class: "empty", hidden: true }, "No history yet: the first bar is being filled.");
    this.readout = el("p", { class: "readout" });
    this.body = el("tbody");
    this.table = el(
      "details",
      { class: "as-table", ontoggle: () => this.fillTable() },
      el("summary", {}, "Same as a table"),
      el(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": `Hashrate of ${what} as a table` },
        el(
          "table",
          {},
          el("thead", {}, el("tr", {}, ...["Time", "Hashrate", "Bad shares"].map((head) => el("th", { scope: "col" }, head)))),
          this.body,
        ),
      ),
    );
    this.node = el("figure", { class: "chart" }, this.canvas, this.empty, el("figcaption", {}, this.readout, this.table));
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.canvas);
    charts.add(this);
  }

  close() {
    charts.delete(this);
    this.observer.disconnect();
    this.plot?.destroy();
    this.plot = null;
  }

  // points: [{at, sols_per_second, shares?}], oldest first
  set(points, step) {
    // A bar of a few seconds that is not over says little, and would look like a fall.
    const unfinished = step <= 5 && points.length > 2 && secondsSince(points.at(-1).at) < step;
    this.points = unfinished ? points.slice(0, -1) : points;
    points = this.points;
    this.empty.hidden = points.length > 1;
    this.canvas.hidden = points.length < 2;
    if (points.length > 1) {
      if (this.plot) this.plot.setData(this.data());
      else this.rebuild();
    }
    this.describe(null);
    if (this.table.open) this.fillTable();
  }

  data() {
    const at = this.points.map((point) => Date.parse(point.at) / 1000);
    const rates = this.points.map((point) => point.sols_per_second);
    return [at, rates];
  }

  describe(index) {
    const rates = this.points.map((point) => point.sols_per_second);
    if (!rates.length) {
      setText(this.readout, "");
      return;
    }
    if (index !== null && index !== undefined && this.points[index]) {
      const point = this.points[index];
      const bad = point.shares ? `, ${count(sum(point.shares, BAD))} bad shares` : "";
      setText(this.readout, `${exact(point.at)}: ${rate(point.sols_per_second)}${bad}`);
      return;
    }
    const mean = rates.reduce((total, value) => total + value, 0) / rates.length;
    const text = `now ${rate(rates.at(-1))} · mean ${rate(mean)} · lowest ${rate(Math.min(...rates))} · highest ${rate(Math.max(...rates))}`;
    setText(this.readout, text);
    this.canvas.setAttribute("aria-label", `Hashrate of ${this.what} over time: ${text}`);
  }

  fillTable() {
    if (!this.table.open) return;
    this.table.classList.toggle("no-shares", !this.points.some((point) => point.shares));
    this.body.replaceChildren(
      ...this.points.toReversed().map((point) =>
        el(
          "tr",
          {},
          el("td", {}, exact(point.at)),
          el("td", { class: "num" }, rate(point.sols_per_second)),
          el("td", { class: "num" }, point.shares ? count(sum(point.shares, BAD)) : NOTHING),
        ),
      ),
    );
  }

  fit() {
    const { width, height } = this.room();
    if (!this.plot) this.rebuild();
    else if (width > 0 && (width !== this.plot.width || height !== this.plot.height)) this.plot.setSize({ width, height });
  }

  room() {
    return { width: Math.floor(this.canvas.clientWidth), height: Math.floor(this.canvas.clientHeight) };
  }

  rebuild() {
    this.plot?.destroy();
    this.plot = null;
    const { width, height } = this.room();
    if (width <= 0 || this.points.length < 2) return;
    const [text, line, stroke] = ["muted", "line", "accepted"].map(color);
    const axis = { stroke: text, font: "11px system-ui, sans-serif", grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 4 } };
    const options = {
      width,
      height,
      padding: [8, 8, 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 8 } },
      scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.12 : 1] } },
      axes: [
        { ...axis, space: 70, size: 28, values: (_plot, splits, _axis, _space, step) => splits.map((at) => moment(at, step)) },
        { ...axis, space: 36, size: 78, values: (_plot, splits) => splits.map((value) => rate(value)) },
      ],
      series: [{}, { stroke, width: 2, fill: translucent(stroke), points: { show: this.points.length < 3 }, spanGaps: false }],
      hooks: { setCursor: [(plot) => this.describe(plot.cursor.idx)] },
    };
    this.plot = new uPlot(options, this.data(), this.canvas);
  }
}

function translucent(rgb) {
  return rgb.replace(/^rgb\(/, "rgba(").replace(/\)$/, ", 0.13)");
}
