// Which span of time a chart shows; chosen by hand, else the shortest that a young proxy can fill.

import { el, setAttribute } from "./dom.js";

const TITLES = { "1m": "1 min", "10m": "10 min", "1h": "1 h", "24h": "24 h", "7d": "7 d", "30d": "30 d" };
const FROM_LEDGER = ["7d", "30d"];
const FARM = ["1m", "10m", "1h", "24h", ...FROM_LEDGER];
const WORKER = ["1h", "24h", ...FROM_LEDGER];

export function spanPicker(whose, app, changed) {
  let chosen = "";
  const buttons = (whose === "farm" ? FARM : WORKER).map((span) => {
    const press = () => {
      chosen = span;
      update(app.summary);
      changed();
    };
    return el("button", { type: "button", "data-span": span, onclick: press }, TITLES[span]);
  });
  const standard = () => {
    const up = app.summary?.uptime_seconds ?? Infinity;
    if (whose !== "farm") return "1h";
    return up < 90 ? "1m" : up < 900 ? "10m" : "1h";
  };
  const value = () => chosen || standard();
  const update = (summary) => {
    const written = (summary?.ledger?.state ?? "off") !== "off";
    for (const button of buttons) {
      const span = button.dataset.span;
      button.hidden = FROM_LEDGER.includes(span) && !written;
      setAttribute(button, "aria-pressed", String(span === value()));
    }
  };
  update(app.summary);
  return { node: el("div", { class: "spans", role: "group", "aria-label": "Span of time" }, buttons), value, update };
}
