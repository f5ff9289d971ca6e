// What the ledger has written down: whether its books balance, who was refused and why, blocks.
// Without a ledger (409) there is one line that says how to have one.

import { ApiError, get } from "../app/api.js";
import { workerLink } from "../app/columns.js";
import { el, plain, setClass, setText, state } from "../app/dom.js";
import { clock, count, difficulty, milliseconds, time } from "../app/format.js";
import { Rows } from "../app/rows.js";
import { REASONS, sum, verdict } from "../app/verdicts.js";

const DAYS = { 1: "24 hours", 7: "7 days", 30: "30 days" };
const LISTED = 50;

function since(days) {
  return new Date(clock() - days * 86_400_000).toISOString().replace(/\.\d+Z$/, "Z");
}

function plainTable(caption, heads) {
  const body = el("tbody");
  const empty = el("p", { class: "empty" }, "Nothing here.");
  const node = el(
    "div",
    {},
    el("div", { class: "scroll" }, el("table", {}, el("caption", { class: "unseen" }, caption), el("thead", {}, el("tr", {}, heads.map(([text, kind]) => el("th", { scope: "col", class: kind }, text)))), body)),
    empty,
  );
  const set = (rows) => {
    body.replaceChildren(...rows.map((cells) => el("tr", {}, cells.map((cell, index) => el("td", { class: heads[index][1] }, cell)))));
    empty.hidden = rows.length > 0;
  };
  return { node, set };
}

function reconciliation() {
  const answer = el("p", { class: "answer" }, state("off", "not asked yet"));
  const sumLine = el("p");
  const gaps = new Rows({ key: (gap) => gap, make: (gap) => [el("span", {}, gap)], patch: () => {}, empty: "" });
  const pools = plainTable("Shares by pool", [["Pool", ""], ["Sent", "num"], ["Accepted", "num"], ["Rejected", "num"], ["Lost", "num"]]);
  const set = (found) => {
    answer.replaceChildren(state(found.holds ? "ok" : "bad", found.holds ? "Every share is accounted for." : `${count(found.missing)} shares are missing.`));
    const filtered = Object.values(found.filtered).reduce((total, value) => total + value, 0);
    setText(sumLine, `${count(found.received)} received = ${count(filtered)} refused here + ${count(found.kept)} kept + ${count(found.forwarded)} to the pool; of these ${count(found.accepted)} accepted, ${count(found.rejected)} rejected, ${count(found.lost)} lost.`);
    gaps.set((found.gaps ?? []).map((gap) => (typeof gap === "string" ? gap : Object.entries(gap).map(([key, value]) => `${key} ${value}`).join(", "))));
    pools.set((found.pools ?? []).map((pool) => [pool.pool, count(pool.forwarded), count(pool.accepted), count(pool.rejected), count(pool.lost)]));
  };
  return { node: el("div", {}, answer, sumLine, gaps.node, pools.node), set };
}

export function ledger(app) {
  const books = reconciliation();
  const shares = plainTable("Shares", [["When", ""], ["Worker", ""], ["Why", ""], ["In words", "rank-2"], ["Pool", "rank-3"], ["Asked", "num rank-3"], ["Reached", "num rank-3"], ["Round trip", "num rank-3"]]);
  const blocks = plainTable("Blocks", [["When", ""], ["Worker", ""], ["Pool", ""], ["Reached", "num"]]);
  const hint = el("p", { class: "empty", hidden: true }, "No ledger is kept, so there is no history beyond a day and no list of single shares. Set url under [ledger] in the configuration to keep one.");
  const fault = el("p", { class: "fault", role: "alert", hidden: true });
  const writing = el("p", { class: "muted lead" });
  const days = el("select", { "aria-label": "Since", onchange: () => load() }, Object.entries(DAYS).map(([value, text]) => el("option", { value }, text)));
  const reason = el("select", { "aria-label": "Verdict", onchange: () => load() }, el("option", { value: "" }, "Every verdict"), REASONS.map((one) => el("option", { value: one }, verdict(one).label)));
  const rest = el("div", { class: "stack" });

  let was;

  const load = async () => {
    hint.hidden = (app.summary?.ledger?.state ?? "off") !== "off";
    rest.hidden = !hint.hidden;
    if (rest.hidden) return;
    try {
      const [found, list, hits] = await Promise.all([
        get("reconcile", { since: since(Number(days.value)) }),
        get("shares", { since: since(Number(days.value)), reason: reason.value, limit: LISTED }),
        get("blocks"),
      ]);
      hint.hidden = fault.hidden = true;
      rest.hidden = false;
      books.set(found);
      shares.set(
        list.items.map((row) => [
          time(row.at),
          workerLink(row.worker),
          el("span", { title: verdict(row.reason).means }, verdict(row.reason).label),
          plain(row.message) || verdict(row.reason).means,
          row.pool || "–",
          difficulty(row.difficulty),
          difficulty(row.reached ?? NaN),
          milliseconds(row.roundtrip_ms ?? NaN),
        ]),
      );
      blocks.set(hits.items.map((row) => [time(row.at), workerLink(row.worker), row.pool || "–", difficulty(row.reached ?? NaN)]));
    } catch (wrong) {
      if (!(wrong instanceof ApiError)) throw wrong;
      hint.hidden = wrong.status !== 409;
      fault.hidden = wrong.status === 409;
      setText(fault, `Not up to date: ${wrong.message}`);
      if (wrong.status === 409) rest.hidden = true;
    }
  };
  rest.append(
    el("section", { class: "panel plain", "aria-labelledby": "books-title" }, el("div", { class: "panel-head" }, el("h2", { id: "books-title" }, "Do the books balance?"), days), books.node),
    el("section", { class: "panel plain", "aria-labelledby": "shares-title" }, el("div", { class: "panel-head" }, el("h2", { id: "shares-title" }, `The last ${LISTED} shares`), reason), shares.node),
    el("section", { class: "panel plain", "aria-labelledby": "blocks-title" }, el("h2", { id: "blocks-title" }, "Blocks"), blocks.node),
  );
  return {
    title: "Ledger",
    node: el("div", { class: "stack" }, el("section", { class: "panel", "aria-labelledby": "view-title" }, el("h1", { id: "view-title" }, "Ledger"), writing, hint, fault), rest),
    update: (summary) => {
      if (summary.ledger?.state !== was) {
        was = summary.ledger?.state;
        load();
      }
      const book = summary.ledger ?? { state: "off" };
      setText(writing, book.state === "off" ? "" : `${count(book.written)} shares written, ${count(book.pending)} waiting${book.lost ? `, ${count(book.lost)} not written` : ""}.`);
      setClass(writing, `lead ${book.state === "ok" ? "muted" : "warn"}`);
    },
    every: 30, // seconds: a question to the database, not to memory
    refresh: load,
    close: () => {},
  };
}
