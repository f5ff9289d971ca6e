// Who is shut out, why, until when, and on what evidence.

import { unban } from "../app/actions.js";
import { get } from "../app/api.js";
import { el, name, plain, setText } from "../app/dom.js";
import { count, setTime, time } from "../app/format.js";
import { Table, textColumn } from "../app/table.js";
import { VERDICTS, cause } from "../app/verdicts.js";

function evidence(ban) {
  const items = ban.evidence ?? [];
  if (!items.length) return el("span", { class: "muted" }, "none kept");
  return el(
    "details",
    { class: "evidence" },
    el("summary", {}, `${count(items.length)} kept`),
    el(
      "ol",
      {},
      items.map((item) =>
        typeof item === "string"
          ? el("li", {}, item)
          : el("li", {}, time(item.at), ` ${cause(item.reason)}`, item.job ? ` · job ${plain(item.job)}` : "", item.detail ? ` · ${plain(item.detail)}` : ""),
      ),
    ),
  );
}

export function bans(app) {
  const table = new Table({
    caption: "Bans",
    columns: [
      { id: "subject", title: "Who", make: (row) => name(row.subject) },
      textColumn("kind", "Kind", (row) => row.kind, { rank: 2 }),
      textColumn("reason", "Mostly for", (row) => cause(row.reason), { hint: (row) => VERDICTS[row.reason]?.todo ?? null }),
      { id: "since", title: "Since", rank: 3, make: (row) => time(row.since), patch: (node, row) => setTime(node, row.since) },
      { id: "until", title: "Ends", make: (row) => time(row.until), patch: (node, row) => setTime(node, row.until) },
      textColumn("times", "Times", (row) => count(row.times ?? 1), { num: true, rank: 3 }),
      { id: "evidence", title: "Evidence", rank: 2, make: evidence },
      {
        id: "act",
        title: "Action",
        make: (row) =>
          el(
            "button",
            { class: "button small", type: "button", "aria-label": `Lift the ban on ${row.subject}`, onclick: async () => (await unban(app, row)) && table.refresh(true) },
            "Lift",
          ),
      },
    ],
    query: {},
    search: false,
    load: ({ limit, offset }, signal) => get("bans", { limit, offset }, signal),
    key: (row) => row.id,
    empty: "Nobody is shut out.",
  });
  const total = el("p", { class: "muted" });
  return {
    title: "Bans",
    node: el(
      "section",
      { class: "panel", "aria-labelledby": "view-title" },
      el("h1", { id: "view-title" }, "Bans"),
      el("p", { class: "muted lead" }, "A miner whose own shares are mostly bad is warned, slowed, then shut out for a while, so that the pool never sees it and does not ban the farm."),
      total,
      table.node,
    ),
    table,
    update: (summary) => setText(total, `${count(summary.banned ?? 0)} now, ${count(summary.bans ?? 0)} since the start.`),
    refresh: () => table.refresh(),
    start: () => table.refresh(true),
    close: () => table.close(),
  };
}
