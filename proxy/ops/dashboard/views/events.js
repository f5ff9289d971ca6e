// The journal as a list: what happened while this page was open.

import { el, icon, painter, setText } from "../app/dom.js";
import { count, time } from "../app/format.js";

const SHOWN = 200;
const GROUPS = {
  all: ["Everything", () => true],
  pool: ["Pools and work", (line) => ["switch", "no_work", "work", "block", "reload"].includes(line.type)],
  workers: ["Workers", (line) => line.type.startsWith("worker_")],
  bans: ["Bans", (line) => line.type.endsWith("ban")],
};

export function events(app) {
  const list = el("ol", { class: "journal" });
  const empty = el("p", { class: "empty" }, "Nothing has happened yet. Events appear here while this page is open; the proxy's log has those before.");
  const total = el("p", { class: "count", role: "status" });
  const made = new Map();
  const group = el("select", { "aria-label": "Which events", onchange: () => draw() }, Object.entries(GROUPS).map(([value, [text]]) => el("option", { value }, text)));
  const line = (entry) => {
    if (!made.has(entry)) made.set(entry, el("li", {}, icon(entry.level), time(entry.at), el("bdi", {}, entry.text)));
    return made.get(entry);
  };
  const draw = painter(() => {
    const lines = app.journal.lines.filter(GROUPS[group.value][1]);
    list.replaceChildren(...lines.slice(0, SHOWN).map(line));
    for (const entry of made.keys()) if (!app.journal.lines.includes(entry)) made.delete(entry);
    empty.hidden = lines.length > 0;
    setText(total, lines.length > SHOWN ? `the newest ${SHOWN} of ${count(lines.length)}` : lines.length === 1 ? "1 event" : `${count(lines.length)} events`);
  });
  app.journal.heard = draw;
  return {
    title: "Events",
    node: el(
      "section",
      { class: "panel", "aria-labelledby": "view-title" },
      el("h1", { id: "view-title" }, "Events"),
      el("div", { class: "bar" }, group, total),
      list,
      empty,
    ),
    start: draw,
    close: () => {
      app.journal.heard = () => {};
    },
  };
}
