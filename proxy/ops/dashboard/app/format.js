// Numbers and times as a person reads them; pure, but for the clock, which is the proxy's and not ours.

import { el, setAttribute, setText } from "./dom.js";

const WHOLE = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
const PREFIXES = ["", "k", "M", "G", "T", "P"];
export const NOTHING = "–";

export function count(value) {
  return Number.isFinite(value) ? WHOLE.format(value) : NOTHING;
}

// Three digits, and the prefix that fits.
function scaled(value) {
  let scale = 0;
  while (Math.abs(value) >= 999.5 && scale < PREFIXES.length - 1) {
    value /= 1000;
    scale += 1;
  }
  const digits = value === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return [value.toFixed(digits), PREFIXES[scale]];
}

export function rate(value) {
  if (!Number.isFinite(value)) return NOTHING;
  const [number, prefix] = scaled(value);
  return `${number} ${prefix}Sol/s`;
}

export function short(value) {
  return Number.isFinite(value) ? scaled(value).join("") : NOTHING;
}

// A difficulty: whole where it is whole.
export function difficulty(value) {
  if (!Number.isFinite(value)) return NOTHING;
  return value < 100_000 ? String(Math.round(value * 100) / 100) : short(value);
}

// A part of one. What is not all is never rounded up to all, nor what is something down to nothing.
export function percent(part) {
  if (!Number.isFinite(part)) return NOTHING;
  if (part === 0 || part === 1) return `${part * 100} %`;
  for (const digits of [1, 2, 3]) {
    const text = (part * 100).toFixed(digits);
    if (Number(text) > 0 && Number(text) < 100) return `${text} %`;
  }
  return part > 0.5 ? "> 99.999 %" : "< 0.001 %";
}

export function milliseconds(value) {
  if (!Number.isFinite(value)) return NOTHING;
  if (value >= 9999.5) return `${(value / 1000).toFixed(0)} s`;
  if (value >= 999.5) return `${(value / 1000).toFixed(1)} s`;
  return `${value.toFixed(value >= 99.95 ? 0 : value >= 9.95 ? 1 : 2)} ms`;
}

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return NOTHING;
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return both(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return both(Math.floor(whole / 86_400), "d", Math.floor((whole % 86_400) / 3600), "h");
}

function both(large, unit, small, smaller) {
  return small && large < 10 ? `${large} ${unit} ${small} ${smaller}` : `${large} ${unit}`;
}

// The proxy's clock, from the `now` of its last summary: a telephone's may be minutes off.
let ahead = 0;

export function setClock(now) {
  const at = Date.parse(now);
  if (Number.isFinite(at)) ahead = at - Date.now();
}

export function clock() {
  return Date.now() + ahead;
}

export function secondsSince(iso) {
  return iso ? (clock() - Date.parse(iso)) / 1000 : NaN;
}

export function ago(iso) {
  const seconds = secondsSince(iso);
  if (!Number.isFinite(seconds)) return "never";
  if (seconds < -1.5) return `in ${duration(-seconds)}`;
  return seconds < 1 ? "now" : `${duration(seconds)} ago`;
}

export function exact(iso) {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? "" : MOMENT.format(at);
}

// A <time> that says how long ago, with the moment itself in its title; `tick` keeps it true.
export function time(iso) {
  const node = el("time", { class: "ago" });
  setTime(node, iso);
  return node;
}

export function setTime(node, iso) {
  setAttribute(node, "datetime", iso || null);
  setAttribute(node, "title", iso ? exact(iso) : null);
  setText(node, ago(iso));
}

export function tick(root = document) {
  for (const node of root.querySelectorAll("time.ago[datetime]")) setText(node, ago(node.dateTime));
}
