// All connections that are here now: who, from where, with which software, and how they behave.

import { get } from "../app/api.js";
import { minerColumns } from "../app/columns.js";
import { el } from "../app/dom.js";
import { note } from "../app/router.js";
import { Table } from "../app/table.js";

const STANDARD = { sort: "worker", order: "asc", listener: "", limit: 50, offset: 0, search: "" };

export function miners(app, { query }) {
  const wanted = { ...STANDARD, ...query };
  wanted.limit = Number(wanted.limit) || STANDARD.limit;
  wanted.offset = Number(wanted.offset) || 0;
  const filter = el("select", { "aria-label": "Which listener", onchange: () => table.wish({ listener: filter.value, offset: 0 }) }, el("option", { value: "" }, "All listeners"));
  const table = new Table({
    caption: "Miners",
    columns: minerColumns(app, true, () => table.refresh(true)),
    query: wanted,
    filters: [filter],
    load: (wish, signal) => get("miners", wish, signal),
    key: (row) => row.id,
    changed: (wish) => note("miners", wish, STANDARD),
    empty: "No miner is connected. Point one at a listener; the pools page has their addresses.",
  });
  const listeners = async () => {
    const { items } = await get("listeners");
    filter.append(...items.map((one) => el("option", { value: one.name, selected: one.name === wanted.listener }, one.name)));
  };
  return {
    title: "Miners",
    node: el("section", { class: "panel", "aria-labelledby": "view-title" }, el("h1", { id: "view-title" }, "Miners"), table.node),
    table,
    refresh: () => table.refresh(),
    start: () => Promise.all([table.refresh(true), listeners()]),
    close: () => table.close(),
  };
}
