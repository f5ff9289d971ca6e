// All workers, those that are missing first; sorted, searched and paged by the proxy.

import { get } from "../app/api.js";
import { workerColumns } from "../app/columns.js";
import { el } from "../app/dom.js";
import { note } from "../app/router.js";
import { Table } from "../app/table.js";

const STANDARD = { sort: "online", order: "asc", state: "all", limit: 50, offset: 0, search: "" };

export function workers(app, { query }) {
  const wanted = { ...STANDARD, ...query };
  wanted.limit = Number(wanted.limit) || STANDARD.limit;
  wanted.offset = Number(wanted.offset) || 0;
  const filter = el(
    "select",
    { "aria-label": "Which workers", onchange: () => table.wish({ state: filter.value, offset: 0 }) },
    [["all", "All workers"], ["online", "Online"], ["offline", "Offline"]].map(([value, text]) => el("option", { value, selected: value === wanted.state }, text)),
  );
  const table = new Table({
    caption: "Workers",
    columns: workerColumns,
    query: wanted,
    filters: [filter],
    load: (wish, signal) => get("workers", wish, signal),
    key: (row) => row.name,
    changed: (wish) => note("workers", wish, STANDARD),
    empty: "No worker yet. One appears as soon as a miner logs in.",
  });
  return {
    title: "Workers",
    node: el("section", { class: "panel", "aria-labelledby": "view-title" }, el("h1", { id: "view-title" }, "Workers"), table.node),
    table,
    refresh: () => table.refresh(),
    start: () => table.refresh(true),
    close: () => table.close(),
  };
}
