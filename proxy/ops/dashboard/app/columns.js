// The columns of the tables, each written once: how a row's part is made, and how it is patched.

import { disconnect } from "./actions.js";
import { bar, el, name, plain, setAttribute, setBar, setState, setText, state } from "./dom.js";
import { count, difficulty, percent, rate, setTime, time } from "./format.js";
import { workerAddress } from "./router.js";
import { textColumn } from "./table.js";
import { verdict, worst } from "./verdicts.js";

const WORRY = 0.05; // of shares that came to nothing; a pool bans at half of them
const ALARM = 0.2;

function badLevel(ratio) {
  return ratio >= ALARM ? "bad" : ratio >= WORRY ? "warn" : "";
}

export function workerLink(text) {
  return el("a", { href: workerAddress(text), class: "who" }, name(text));
}

function timeColumn(id, title, at, more) {
  return { id, title, make: (row) => time(at(row)), patch: (node, row) => setTime(node, at(row)), ...more };
}

// A share of bad ones, with a bar: the length and the number say the same.
export function ratioColumn(more) {
  return {
    id: "reject_ratio",
    title: "Bad %",
    num: true,
    make: () => el("span", { class: "ratio" }, bar("bad-part"), el("span")),
    patch: (node, row) => {
      const ratio = row.reject_ratio ?? 0;
      setText(node.lastChild, percent(ratio));
      setBar(node.firstChild, ratio * 2); // half of its shares is the whole length: nobody lets it come so far
      setAttribute(node, "class", `ratio ${badLevel(ratio)}`);
    },
    ...more,
  };
}

export const workerColumns = [
  { id: "name", title: "Worker", sort: "name", rank: 1, make: (row) => workerLink(row.name) },
  {
    id: "online",
    title: "State",
    sort: "online",
    rank: 1,
    make: () => state("ok", ""),
    patch: (node, row) => setState(node, row.online ? "ok" : "bad", row.online ? "online" : "offline"),
  },
  timeColumn("last_seen", "Last seen", (row) => row.last_seen_at, { sort: "last_seen_at", first: "desc", rank: 2 }),
  textColumn("sols_1m", "1 min", (row) => rate(row.sols_per_second["1m"]), { num: true, sort: "sols_1m", rank: 3 }),
  textColumn("sols", "10 min", (row) => rate(row.sols_per_second["10m"]), { num: true, sort: "sols", rank: 1 }),
  textColumn("sols_1h", "1 h", (row) => rate(row.sols_per_second["1h"]), { num: true, sort: "sols_1h", rank: 2 }),
  textColumn("sols_24h", "24 h", (row) => rate(row.sols_per_second["24h"]), { num: true, sort: "sols_24h", rank: 3 }),
  textColumn("accepted", "Accepted", (row) => count(row.accepted), { num: true, sort: "accepted", rank: 2 }),
  textColumn("bad", "Bad shares", (row) => count(row.bad), { num: true, sort: "bad", rank: 3 }),
  ratioColumn({ sort: "reject_ratio", rank: 1 }),
  textColumn("why", "Mostly", (row) => (row.bad ? verdict(worst(row.shares)).label : ""), {
    rank: 2,
    hint: (row) => (row.bad ? verdict(worst(row.shares)).means : null),
  }),
  textColumn("miners", "Miners", (row) => count(row.miners), { num: true, sort: "miners", rank: 3 }),
];

export function minerColumns(app, withWorker, done) {
  return [
    withWorker && { id: "worker", title: "Worker", sort: "worker", rank: 1, make: (row) => workerLink(row.worker) },
    textColumn("address", "Address", (row) => row.address, { rank: withWorker ? 2 : 1, sort: withWorker && "address" }),
    textColumn("listener", "Listener", (row) => `${row.listener} · ${row.dialect}`, { rank: 3, sort: withWorker && "listener" }),
    { id: "agent", title: "Software", rank: 3, make: (row) => el("span", { class: "cut", title: plain(row.agent) }, plain(row.agent) || "–") },
    textColumn("difficulty", "Difficulty", (row) => difficulty(row.difficulty), { num: true, rank: 2, sort: withWorker && "difficulty" }),
    timeColumn("connected", "Connected", (row) => row.connected_at, { rank: 3, sort: withWorker && "connected_at", first: "desc" }),
    timeColumn("last_share", "Last share", (row) => row.last_share_at, { rank: 1, sort: withWorker && "last_share_at", first: "desc" }),
    textColumn("accepted", "Accepted", (row) => count(row.shares.accepted ?? 0), { num: true, rank: 3, sort: withWorker && "accepted" }),
    {
      id: "standing",
      title: "Standing",
      rank: 2,
      make: () => state("ok", ""),
      patch: (node, row) =>
        setState(node, row.standing === "slowed" ? "warn" : "ok", row.standing ?? "ok", row.standing === "slowed" ? "Half of its shares are bad: it is read slowly" : null),
    },
    {
      id: "act",
      title: "Action",
      rank: 1,
      make: (row) =>
        el(
          "button",
          {
            class: "button small quiet",
            type: "button",
            "aria-label": `Disconnect ${row.worker || row.address}`,
            onclick: async () => (await disconnect(app, row)) && done(),
          },
          "Disconnect",
        ),
    },
  ].filter(Boolean);
}
