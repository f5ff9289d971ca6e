// Both ends of the farm: the pools in their order, and the listeners that miners come to.

import { activate, reload } from "../app/actions.js";
import { get } from "../app/api.js";
import { el, name, setState, setText, state } from "../app/dom.js";
import { ago, count, difficulty, milliseconds, percent, setTime, time } from "../app/format.js";
import { poolState } from "../app/poolstate.js";
import { Table, textColumn } from "../app/table.js";

function poolColumns(app, done) {
  return [
    {
      id: "name",
      title: "Pool",
      make: () => el("span", { class: "two" }, el("strong", {}, name("")), el("span", { class: "muted mono cut" })),
      patch: (node, row) => {
        setText(node.firstChild.firstChild, row.name);
        setText(node.lastChild, row.url);
        node.lastChild.title = row.url;
      },
    },
    {
      id: "state",
      title: "State",
      make: () => state("ok", ""),
      patch: (node, row) => {
        const { level, text } = poolState(row);
        setState(node, level, text);
      },
    },
    textColumn("fault", "Last fault", (row) => (poolState(row).text === row.last_fault ? "–" : row.last_fault || "–"), { rank: 2 }),
    textColumn("difficulty", "Difficulty", (row) => difficulty(row.difficulty), { num: true, rank: 2 }),
    { id: "job", title: "Last job", rank: 2, make: (row) => time(row.last_job_at), patch: (node, row) => setTime(node, row.last_job_at) },
    { id: "since", title: "Connected", rank: 3, make: (row) => time(row.connected_at), patch: (node, row) => setTime(node, row.connected_at) },
    textColumn("forwarded", "Sent", (row) => count(row.forwarded ?? 0), { num: true, rank: 3 }),
    textColumn("rejects", "Refused", (row) => percent(row.reject_ratio ?? NaN), { num: true, rank: 1 }),
    textColumn("roundtrip", "Round trip p50 / p99", (row) => `${milliseconds(row.roundtrip_ms?.p50 ?? NaN)} / ${milliseconds(row.roundtrip_ms?.p99 ?? NaN)}`, { num: true, rank: 2 }),
    {
      id: "act",
      title: "Action",
      make: (row) =>
        el("button", { class: "button small", type: "button", onclick: async () => (await activate(app, row)) && done() }, "Use"),
      patch: (node, row) => {
        node.disabled = Boolean(row.current);
        node.setAttribute("aria-label", row.current ? `${row.name} is in use` : `Use ${row.name}`);
      },
    },
  ];
}

const listenerColumns = [
  { id: "name", title: "Listener", make: (row) => el("span", { class: "two" }, el("strong", {}, row.name), el("span", { class: "muted mono cut", title: row.url }, row.url)) },
  textColumn("dialect", "Dialect", (row) => row.dialect, { rank: 2 }),
  textColumn("difficulty", "Difficulty", (row) => (typeof row.difficulty === "object" && row.difficulty ? "varies by miner" : String(row.difficulty ?? "–")), { rank: 3 }),
  textColumn("miners", "Miners", (row) => count(row.miners), { num: true }),
  textColumn("connections", "Connections so far", (row) => count(row.connections), { num: true, rank: 2 }),
  textColumn("received", "Shares", (row) => count(row.received), { num: true, rank: 2 }),
  textColumn("tls", "TLS", (row) => (row.tls ? (row.certificate_expires_at ? `certificate ends ${ago(row.certificate_expires_at)}` : "yes") : "no"), { rank: 3 }),
];

export function pools(app) {
  const common = { query: { limit: 100 }, search: false, key: (row) => row.name };
  const upstreams = new Table({
    ...common,
    caption: "Pools, in order of preference",
    columns: poolColumns(app, () => upstreams.refresh(true)),
    load: (_wish, signal) => get("upstreams", {}, signal),
    empty: "No pool is configured.",
  });
  const listeners = new Table({ ...common, caption: "Listeners", columns: listenerColumns, load: (_wish, signal) => get("listeners", {}, signal), empty: "No listener." });
  return {
    title: "Pools",
    node: el(
      "div",
      { class: "stack" },
      el(
        "section",
        { class: "panel plain", "aria-labelledby": "view-title" },
        el(
          "div",
          { class: "panel-head" },
          el("h1", { id: "view-title" }, "Pools"),
          el("button", { class: "button small", type: "button", onclick: () => reload(app) }, "Reload configuration"),
        ),
        el("p", { class: "muted lead" }, "In order of preference. A pool that fails is left at once; the farm moves back to one that has proved itself."),
        upstreams.node,
      ),
      el("section", { class: "panel plain", "aria-labelledby": "listeners-title" }, el("h2", { id: "listeners-title" }, "Listeners"), listeners.node),
    ),
    table: upstreams,
    refresh: () => Promise.all([upstreams.refresh(), listeners.refresh()]),
    start: () => Promise.all([upstreams.refresh(true), listeners.refresh(true)]),
    close: () => [upstreams, listeners].forEach((table) => table.close()),
  };
}
