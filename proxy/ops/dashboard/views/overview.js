// What an operator asks at three in the morning, in the order of asking: does the pool pay us, how much do
// we make, where did the shares go, who is missing, who sends bad ones.

import { get } from "../app/api.js";
import { Chart } from "../app/chart.js";
import { workerLink } from "../app/columns.js";
import { bar, el, icon, name, plain, setAttribute, setBar, setClass, setState, setText, state } from "../app/dom.js";
import { Flow } from "../app/flow.js";
import { ago, count, duration, milliseconds, percent, rate, setTime, time } from "../app/format.js";
import { acceptRatio, health, isTelling } from "../app/health.js";
import { poolState } from "../app/poolstate.js";
import { Rows } from "../app/rows.js";
import { spanPicker } from "../app/spans.js";
import { BAD, sum, verdict, worst } from "../app/verdicts.js";

const LISTED = 6; // lines of a short list: more is what the workers' page is for

function tile(label) {
  const figure = el("dd", { class: "figure" });
  const note = el("dd", { class: "note" });
  return { node: el("div", { class: "tile" }, el("dt", {}, label), figure, note), figure, note };
}

function setTile(one, figure, note, level = "") {
  setText(one.figure, figure);
  setText(one.note, note);
  setClass(one.node, `tile ${level}`);
}

function panel(title, id, body, more = null) {
  return el(
    "section",
    { class: `panel ${id}`, "aria-labelledby": `${id}-title` },
    el("div", { class: "panel-head" }, el("h2", { id: `${id}-title` }, title), more),
    body,
  );
}

class Tiles {
  constructor() {
    const names = { rate: "Hashrate, 10 min", accept: "Accepted by the pool", trip: "Pool round trip", job: "Last job", workers: "Workers", switches: "Pool in use" };
    this.of = Object.fromEntries(Object.entries(names).map(([key, label]) => [key, tile(label)]));
    this.node = el("dl", { class: "tiles", "aria-label": "Key figures" }, Object.values(this.of).map((one) => one.node));
  }

  set(summary, pools, lately) {
    const { rate: hash, accept, trip, job, workers, switches } = this.of;
    const rates = summary.sols_per_second;
    setTile(hash, rate(rates["10m"]), `1 min ${rate(rates["1m"])} · 24 h ${rate(rates["24h"])}`, rates["10m"] < rates["24h"] / 2 ? "warn" : "");
    const ever = acceptRatio(summary.shares);
    const now = isTelling(lately) ? acceptRatio(lately.shares) : ever;
    setTile(accept, percent(now), isTelling(lately) ? `last ${duration(lately.seconds)}; ${percent(ever)} since the start` : "since the start", now < 0.8 ? "bad" : now < 0.95 ? "warn" : "");
    const { p50, p99 } = summary.roundtrip_ms ?? {};
    setTile(trip, milliseconds(p50 ?? NaN), Number.isFinite(p99) ? `99 of 100 within ${milliseconds(p99)}` : "nothing measured yet");
    setTile(job, ago(summary.last_job_at), `${count(summary.jobs)} jobs · fan-out ${milliseconds(summary.fanout_ms?.p50 ?? NaN)}`, summary.ready ? "" : "bad");
    const missing = summary.offline_workers ?? 0;
    setTile(workers, `${count(summary.workers)} online`, missing ? `${count(missing)} offline · ${count(summary.miners)} miners` : `none missing · ${count(summary.miners)} miners`, missing ? "warn" : "");
    const current = pools.find((pool) => pool.current);
    setTile(switches, summary.pool || "none", `${switchText(summary.switches)} · ${pools.length} configured`, !summary.pool ? "bad" : current && current !== pools[0] ? "warn" : "");
  }
}

function switchText(switches) {
  const many = typeof switches === "number" ? switches : Object.values(switches ?? {}).reduce((total, value) => total + value, 0);
  return many === 1 ? "1 switch" : `${count(many)} switches`;
}

class Banner {
  constructor(announce) {
    this.announce = announce;
    this.sign = el("span", { class: "sign" }, icon("off"));
    this.title = el("strong");
    this.detail = el("span", { class: "detail" });
    this.also = el("ul");
    this.node = el("section", { class: "banner", "aria-label": "State of the farm" }, this.sign, el("div", {}, el("p", {}, this.title, " ", this.detail), this.also));
  }

  set(summary, pools, lately) {
    const found = health(summary, pools, lately);
    if (this.level !== found.level) this.sign.replaceChildren(icon(found.level));
    if (this.said !== found.title) this.announce(`${found.title}. ${found.detail}`);
    this.level = found.level;
    this.said = found.title;
    setClass(this.node, `banner ${found.level}`);
    setText(this.title, found.title);
    setText(this.detail, found.detail);
    const lines = found.also.map((one) => `${one.title}. ${one.detail}`);
    while (this.also.childElementCount > lines.length) this.also.lastElementChild.remove();
    lines.forEach((line, index) => {
      if (!this.also.children[index]) this.also.append(el("li"));
      setText(this.also.children[index], line);
    });
  }
}

function missingList() {
  return new Rows({
    key: (row) => row.name,
    make: () => [workerLink(""), time(""), el("span", { class: "num muted" })],
    patch: ([link, seen, rated], row) => {
      retarget(link, row.name);
      setTime(seen, row.last_seen_at);
      setText(rated, rate(row.sols_per_second["24h"]));
      setAttribute(rated, "title", "its mean over 24 h");
    },
    empty: "Nobody is missing.",
  });
}

function badList() {
  return new Rows({
    key: (row) => row.name,
    make: () => [workerLink(""), el("span", { class: "why" }), el("span", { class: "num" })],
    patch: ([link, why, bad], row) => {
      retarget(link, row.name);
      const reason = verdict(worst(row.shares));
      setText(why, reason.label);
      setAttribute(why, "title", `${reason.means} ${reason.todo}`);
      setText(bad, `${count(row.bad)} · ${percent(row.reject_ratio ?? 0)}`);
    },
    empty: "Nobody sends bad shares.",
  });
}

function retarget(link, worker) {
  if (link.dataset.worker === worker) return;
  link.dataset.worker = worker;
  link.href = workerLink(worker).href;
  link.replaceChildren(name(worker));
}

function poolList() {
  return new Rows({
    key: (row) => row.name,
    make: () => [el("bdi", { class: "name strong" }), state("ok", ""), el("span", { class: "num muted" })],
    patch: ([who, how, trip], row) => {
      setText(who, row.name);
      const { level, text } = poolState(row);
      setState(how, level, text);
      setAttribute(trip, "title", row.last_fault || null);
      if (level === "bad") setText(trip, row.last_fault);
      else setText(trip, row.roundtrip_ms?.p50 ? `${milliseconds(row.roundtrip_ms.p50)} · refuses ${percent(row.reject_ratio ?? 0)}` : row.last_job_at ? `last job ${ago(row.last_job_at)}` : "");
    },
    empty: "No pool is configured.",
  });
}

// By reason: how many, and as a bar what part of all bad ones.
function reasonList() {
  return new Rows({
    key: (row) => row.reason,
    make: (row) => [
      el("span", { title: `${verdict(row.reason).means} ${verdict(row.reason).todo}` }, verdict(row.reason).label),
      bar(verdict(row.reason).kind),
      el("span", { class: "num" }),
    ],
    patch: ([, line, number], row) => {
      setBar(line, row.part);
      setText(number, count(row.value));
    },
    empty: "No bad share so far.",
  });
}

export function overview(app) {
  const tiles = new Tiles();
  const banner = new Banner(app.announce);
  const flow = new Flow();
  const chart = new Chart("the farm");
  const [missing, bad, pools, reasons] = [missingList(), badList(), poolList(), reasonList()];
  const spans = spanPicker("farm", app, () => drawHistory());
  const missingMore = el("a", { href: "#/workers?state=offline&sort=last_seen_at&order=desc" }, "All offline");
  const badMore = el("a", { href: "#/workers?sort=bad&order=desc" }, "All");

  let drawn = "";

  const drawHistory = async () => {
    const span = spans.value();
    drawn = span;
    const history = await get("history", { span });
    if (span === spans.value()) chart.set(history.points, history.step_seconds);
  };
  const lists = async () => {
    const [offline, worstOnes] = await Promise.all([
      get("workers", { state: "offline", sort: "last_seen_at", order: "desc", limit: LISTED }),
      get("workers", { state: "all", sort: "bad", order: "desc", limit: LISTED }),
      app.loadPools(),
    ]);
    missing.set(offline.items);
    missingMore.hidden = offline.total <= LISTED;
    setText(missingMore, `All ${count(offline.total)}`);
    badMore.hidden = !worstOnes.items[0]?.bad;
    bad.set(worstOnes.items.filter((row) => row.bad > 0));
    pools.set(app.pools);
  };
  const update = (summary) => {
    const lately = app.lately.get();
    banner.set(summary, app.pools, lately);
    tiles.set(summary, app.pools, lately);
    flow.set(summary);
    const total = sum(summary.shares, BAD);
    const found = BAD.map((reason) => ({ reason, value: summary.shares[reason] ?? 0, part: (summary.shares[reason] ?? 0) / Math.max(1, total) }));
    reasons.set(found.filter((row) => row.value).sort((a, b) => b.value - a.value));
    spans.update(summary);
    if (drawn !== spans.value()) drawHistory();
  };
  return {
    title: "Overview",
    node: el(
      "div",
      { class: "overview" },
      el("h1", { class: "unseen" }, "Overview"),
      banner.node,
      tiles.node,
      panel("Hashrate", "hashrate", chart.node, spans.node),
      panel("Where every share went", "flow-panel", flow.node),
      panel("Missing workers", "missing", missing.node, missingMore),
      panel("Bad shares by worker", "bad-workers", bad.node, badMore),
      panel("Bad shares by reason", "by-reason", reasons.node),
      panel("Pools", "pool-list", pools.node, el("a", { href: "#/pools" }, "Details")),
    ),
    update,
    refresh: () => Promise.all([lists(), drawHistory()]),
    start: () => Promise.all([lists(), drawHistory()]),
    close: () => {
      chart.close();
      flow.close();
    },
  };
}
