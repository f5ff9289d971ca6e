// One worker: is it here, how fast has it been, what became of its shares, and why some were refused.

import { ApiError, get, path } from "../app/api.js";
import { Chart } from "../app/chart.js";
import { minerColumns } from "../app/columns.js";
import { bar, el, name, plain, setBar, setClass, setState, setText, state } from "../app/dom.js";
import { count, percent, rate, setTime, time } from "../app/format.js";
import { Rows } from "../app/rows.js";
import { spanPicker } from "../app/spans.js";
import { Table } from "../app/table.js";
import { BAD, REASONS, badRatio, sum, verdict } from "../app/verdicts.js";

function shareList() {
  return new Rows({
    key: (row) => row.reason,
    make: (row) => {
      const { label, kind, means, todo } = verdict(row.reason);
      const more = BAD.includes(row.reason)
        ? el("details", { class: "explain" }, el("summary", {}, label), el("p", {}, means), el("p", {}, el("strong", {}, "What to do: "), todo))
        : el("span", { title: means }, label);
      return [more, bar(kind), el("span", { class: "num" })];
    },
    patch: ([, line, number], row) => {
      setBar(line, row.part);
      setText(number, `${count(row.value)} · ${percent(row.part)}`);
    },
    empty: "It has sent no share yet.",
  });
}

function badList() {
  return new Rows({
    key: (row) => `${row.at} ${row.reason} ${row.job} ${row.nth}`,
    make: (row) => {
      const { label, means, todo } = verdict(row.reason);
      return [
        el(
          "div",
          { class: "bad-share" },
          el(
            "div",
            {},
            el("p", {}, el("strong", {}, label), " ", time(row.at)),
            el("p", { class: "muted" }, "job ", el("bdi", { class: "mono" }, plain(row.job) || "–"), ", from ", el("bdi", { class: "mono" }, row.address || "–")),
          ),
          el(
            "div",
            {},
            row.detail ? el("p", { class: "words" }, el("bdi", {}, plain(row.detail))) : null,
            el("p", {}, means),
            el("p", { class: "todo" }, el("strong", {}, "What to do: "), todo),
          ),
        ),
      ];
    },
    patch: () => {},
    empty: "None of its recent shares were bad.",
  });
}

function head(title) {
  const how = state("off", "…");
  const seen = time("");
  const figures = {};
  const list = ["10 min", "1 h", "24 h", "Good", "Bad", "First seen"].map((label) => {
    figures[label] = el("dd");
    return el("div", {}, el("dt", {}, label), figures[label]);
  });
  figures["First seen"].append(time(""));
  const node = el(
    "section",
    { class: "panel worker-head", "aria-labelledby": "view-title" },
    el("p", { class: "crumb" }, el("a", { href: "#/workers" }, "Workers"), " /"),
    el("h1", { id: "view-title" }, name(title)),
    el("p", { class: "worker-state" }, how, el("span", { class: "muted" }, "last seen ", seen)),
    el("dl", { class: "mini" }, list),
  );
  const set = (row) => {
    setState(how, row.online ? "ok" : "bad", row.online ? `online, ${row.miners === 1 ? "1 miner" : `${count(row.miners)} miners`}` : "offline");
    setTime(seen, row.last_seen_at);
    setText(figures["10 min"], rate(row.sols_per_second["10m"]));
    setText(figures["1 h"], rate(row.sols_per_second["1h"]));
    setText(figures["24 h"], rate(row.sols_per_second["24h"]));
    setText(figures.Good, count(sum(row.shares, ["accepted", "kept"])));
    const ratio = badRatio(row.shares);
    setText(figures.Bad, `${count(sum(row.shares, BAD))} · ${percent(ratio)}`);
    setClass(figures.Bad, ratio >= 0.2 ? "bad" : ratio >= 0.05 ? "warn" : "");
    setTime(figures["First seen"].firstChild, row.first_seen_at);
  };
  return { node, set };
}

export function worker(app, { name: who }) {
  const top = head(who);
  const chart = new Chart(`worker ${plain(who)}`);
  const [shares, bad] = [shareList(), badList()];
  const spans = spanPicker("worker", app, () => load(true));
  const fault = el("p", { class: "fault", role: "alert", hidden: true });
  const rest = el("div", { class: "worker-parts" });
  let row = null;
  const connections = new Table({
    caption: `Connections of ${plain(who)}`,
    columns: minerColumns(app, false, () => load(true)),
    search: false,
    query: { limit: 100 },
    load: async () => ({ items: row?.connections ?? [], total: row?.connections?.length ?? 0 }),
    key: (one) => one.id,
    empty: "It is not connected now.",
  });
  let asked = 0;
  const load = async (pressing = false) => {
    if (!pressing && (document.hidden || document.querySelector("dialog[open]"))) return;
    asked += 1;
    const mine = asked;
    try {
      const answer = await get(`workers/${path(who)}`, { span: spans.value() });
      if (mine !== asked) return;
      row = answer;
      show();
    } catch (wrong) {
      if (mine !== asked || !(wrong instanceof ApiError)) return;
      setText(fault, wrong.status === 404 ? `No worker has this name, or it was forgotten: those that leave without a good share are forgotten at once, others after some days.` : `Not up to date: ${wrong.message}`);
      fault.hidden = false;
      rest.hidden = wrong.status === 404;
    }
  };
  const show = () => {
    fault.hidden = true;
    rest.hidden = false;
    top.set(row);
    chart.set(row.history?.points ?? [], row.history?.step_seconds);
    const all = sum(row.shares, REASONS);
    shares.set(
      REASONS.map((reason) => ({ reason, value: row.shares[reason] ?? 0, part: (row.shares[reason] ?? 0) / Math.max(1, all) }))
        .filter((one) => one.value)
        .sort((a, b) => b.value - a.value),
    );
    const recent = [...(row.bad_shares ?? [])].sort((a, b) => (a.at < b.at ? 1 : -1));
    bad.set(recent.map((one, nth) => ({ ...one, nth: recent.slice(nth + 1).filter((other) => other.at === one.at).length })));
    spans.update(app.summary);
    connections.refresh(true);
  };
  const section = (id, title, body, more) =>
    el("section", { class: `panel ${id}`, "aria-labelledby": `${id.split(" ")[0]}-title` }, el("div", { class: "panel-head" }, el("h2", { id: `${id.split(" ")[0]}-title` }, title), more), body);
  rest.append(
    section("worker-history", "Hashrate", chart.node, spans.node),
    section("worker-shares", "What became of its shares", shares.node),
    section("worker-bad", "Its last bad shares, and why", bad.node),
    section("worker-connections plain", "Connections", connections.node),
  );
  return {
    title: plain(who) || "(no name)",
    node: el("div", { class: "stack" }, top.node, fault, rest),
    table: connections,
    leave: "#/workers",
    refresh: () => load(),
    start: () => load(true),
    close: () => {
      chart.close();
      connections.close();
    },
  };
}
