// Puts the page together: views by address, figures by Live, keys, theme and token.
//
// Strategy: a summary each second goes to the view that is open, before the next paint; lists are asked for
// every few seconds, by the view itself, and only while somebody can see them.

import { ApiError, get, token } from "./api.js";
import { redrawAll } from "./chart.js";
import { announce, askToken, help, toast } from "./dialogs.js";
import { el, icon, painter, setAttribute, setClass, setText } from "./dom.js";
import { count, duration, exact, rate, setClock, tick } from "./format.js";
import { Lately } from "./health.js";
import { Journal } from "./journal.js";
import { Live } from "./live.js";
import { parse } from "./router.js";
import { bans } from "../views/bans.js";
import { events } from "../views/events.js";
import { ledger } from "../views/ledger.js";
import { miners } from "../views/miners.js";
import { overview } from "../views/overview.js";
import { pools } from "../views/pools.js";
import { worker } from "../views/worker.js";
import { workers } from "../views/workers.js";

const VIEWS = { overview, workers, miners, pools, bans, events, ledger, worker };
const IN_NAV = ["overview", "workers", "miners", "pools", "bans", "events", "ledger"];
const REFRESH = 4; // seconds between two looks at a list
const THEMES = ["auto", "light", "dark"];

const byId = (id) => document.getElementById(id);

const app = {
  summary: null,
  pools: [],
  lately: new Lately(),
  journal: new Journal(),
  announce,
  live: null,
  async loadPools() {
    this.pools = (await get("upstreams")).items;
  },
};

let view = null;
let shown = "";
let refreshed = 0;
const links = {};

function stored(key, value) {
  try {
    if (value === undefined) return localStorage.getItem(key);
    localStorage.setItem(key, value);
  } catch {
    // storage may be forbidden: then nothing is remembered
  }
  return null;
}

// --- views

function open() {
  if (app.live.locked) return showLocked();
  const at = parse(location.hash);
  const make = VIEWS[at.view] ?? VIEWS.overview;
  view?.close();
  view = make(app, at);
  shown = VIEWS[at.view] ? at.view : "overview";
  const main = byId("main");
  main.replaceChildren(view.node);
  scrollTo(0, 0);
  for (const [name, { link }] of Object.entries(links)) setAttribute(link, "aria-current", name === (shown === "worker" ? "workers" : shown) ? "page" : null);
  if (app.summary) view.update?.(app.summary);
  retitle();
  refreshed = Date.now();
  view.start?.()?.catch?.(failed);
}

function failed(fault) {
  if (!(fault instanceof ApiError)) throw fault;
  if (fault.status === 401 || fault.status === 403) app.live.ask();
}

function buildNav() {
  const entries = IN_NAV.map((name) => {
    const pill = el("span", { class: "pill", hidden: true });
    const link = el("a", { href: name === "overview" ? "#/" : `#/${name}` }, name[0].toUpperCase() + name.slice(1), pill);
    links[name] = { link, pill };
    return el("li", {}, link);
  });
  byId("views").append(el("ul", {}, entries));
}

function setPill(name, text, kind, hint) {
  const { pill } = links[name];
  pill.hidden = !text;
  setText(pill, text);
  setClass(pill, `pill ${kind}`);
  setAttribute(pill, "title", hint);
  setAttribute(pill, "aria-label", hint);
}

// --- figures

const draw = painter(() => {
  const summary = app.summary;
  view?.update?.(summary);
  const missing = summary.offline_workers ?? 0;
  setPill("workers", missing ? count(missing) : "", "", `${count(missing)} offline`);
  setPill("bans", summary.banned ? count(summary.banned) : "", "", `${count(summary.banned)} shut out`);
  setPill("pools", summary.ready ? "" : "!", "bad", "no pool gives work");
  retitle();
  setText(byId("footer").firstChild, `Sluice ${summary.version}, up ${duration(summary.uptime_seconds)}, since ${exact(summary.started_at)}${summary.processes > 1 ? `, ${summary.processes} processes` : ""}`);
});

function retitle() {
  const summary = app.summary;
  const what = view?.title && view.title !== "Overview" ? `${view.title} · ` : "";
  if (!summary) document.title = `${what}Sluice`;
  else document.title = `${what}${summary.ready ? rate(summary.sols_per_second["10m"]) : "NO WORK"} · Sluice`;
}

function hear(event) {
  if (event.type === "summary") {
    app.summary = event.summary;
    setClock(event.summary.now ?? event.at);
    app.lately.add(event.summary);
    draw();
    return;
  }
  const line = app.journal.add(event);
  if (["switch", "no_work", "work", "block"].includes(event.type)) announce(line.text);
  if (["switch", "no_work", "work"].includes(event.type)) app.loadPools().then(draw, failed);
  if (event.type !== "hello") refreshed = Math.min(refreshed, Date.now() - (REFRESH - 1) * 1000); // soon, not at once: they come in swarms
}

const STATES = {
  connecting: ["", "off", "Connecting"],
  live: ["ok", "on", "Live"],
  asking: ["warn", "auto", "Reconnecting", "No live events: figures are asked for every three seconds"],
  polling: ["ok", "on", "Every 3 s", "The token has signs that a browser cannot send with a WebSocket (only letters, digits and - _ . + can be), so there are no events, and figures are asked for"],
  stale: ["bad", "bad", "Stale"],
  waiting: ["warn", "key", "Token needed"],
};
let stateWas = "";

function showState(name, since) {
  const node = byId("live");
  const stale = byId("stale");
  stale.hidden = name !== "stale";
  if (!stale.hidden) {
    if (!stale.firstChild) stale.append(el("span"), el("span", { "aria-hidden": "true" }));
    // Said once, so the part that grows is for the eye only.
    setText(stale.firstChild, `No figures since ${new Date(since).toLocaleTimeString("en-GB")}: the proxy does not answer. What is shown is old.`);
    setText(stale.lastChild, ` (${duration((Date.now() - since) / 1000)})`);
  }
  if (name === stateWas) return;
  stateWas = name;
  const [level, sign, text, why] = STATES[name];
  setClass(node, `live ${level}`);
  node.replaceChildren(icon(sign), el("span", {}, text));
  setAttribute(node, "title", why);
  document.body.classList.toggle("old", name === "stale");
}

function eachSecond() {
  if (document.hidden) return;
  requestAnimationFrame(() => tick());
  const every = view?.every ?? REFRESH;
  if (!app.live.locked && Date.now() - refreshed >= every * 1000) {
    refreshed = Date.now();
    view?.refresh?.()?.catch?.(failed);
  }
}

// --- token, theme, keys

let asking = false;

async function needsToken(message) {
  showLocked();
  if (!asking) await giveToken(token() ? `Refused: ${message}` : "");
}

function showLocked() {
  view?.close();
  view = null;
  byId("main").replaceChildren(
    el(
      "section",
      { class: "panel locked" },
      el("h1", {}, "This proxy asks for a token"),
      el("p", {}, "Its figures are not for everyone. Give the read token, or the admin token if you want to change something."),
      el("button", { class: "button main", type: "button", onclick: () => giveToken() }, icon("key"), "Give the token"),
    ),
  );
}

async function giveToken(fault = "") {
  if (asking) return;
  asking = true;
  const given = await askToken("The read token shows everything here. The admin token also disconnects miners, lifts bans, changes pools and reloads.", fault);
  asking = false;
  if (given === undefined) return;
  await app.live.again();
  open();
}

function showToken() {
  const node = byId("token");
  const set = Boolean(token());
  node.replaceChildren(icon("key"));
  setClass(node, `tool ${set ? "set" : ""}`);
  const text = set ? "A token is in use; change or forget it" : "Give a token";
  setAttribute(node, "aria-label", text);
  setAttribute(node, "title", text);
}

function setTheme(theme) {
  stored("sluice.theme", theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const node = byId("theme");
  node.replaceChildren(icon({ auto: "auto", light: "sun", dark: "moon" }[theme]));
  const text = `Theme: ${theme === "auto" ? "as the system has it" : theme}`;
  setAttribute(node, "aria-label", text);
  setAttribute(node, "title", text);
  redrawAll();
}

function theme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function typing(target) {
  return target.closest?.("input:not([type=checkbox]), select, textarea");
}

function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") return escape(event);
  if (typing(event.target) || stored("sluice.keys") === "off") return;
  if (event.key === "/") {
    if (view?.table?.searchBox) view.table.focusSearch();
    else {
      location.hash = "#/workers";
      addEventListener("hashchange", () => view?.table?.focusSearch(), { once: true }); // after open(), which was there first
    }
  } else if (event.key === "?") showHelp();
  else if (event.key >= "1" && event.key <= String(IN_NAV.length)) location.hash = links[IN_NAV[event.key - 1]].link.getAttribute("href");
  else return;
  event.preventDefault();
}

function escape(event) {
  const box = view?.table?.searchBox;
  if (box && event.target === box && box.value) {
    box.value = "";
    view.table.wish({ search: "", offset: 0 });
  } else if (event.target === box) box.blur();
  else if (view?.leave) location.hash = view.leave;
  else return;
  event.preventDefault();
}

function showHelp() {
  help(stored("sluice.keys") !== "off", (on) => stored("sluice.keys", on ? "on" : "off"));
}

function start() {
  buildNav();
  byId("footer").append(el("span"), el("a", { href: "metrics" }, "Metrics"), el("a", { href: "api/v1/openapi.json" }, "API"));
  setTheme(theme());
  showToken();
  byId("token").addEventListener("click", () => giveToken());
  byId("theme").addEventListener("click", () => setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]));
  byId("help").addEventListener("click", showHelp);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redrawAll);
  addEventListener("keydown", keys);
  addEventListener("token", showToken);
  addEventListener("unhandledrejection", (event) => {
    if (!(event.reason instanceof ApiError)) return;
    event.preventDefault();
    toast(event.reason.message, "bad");
  });
  app.live = new Live(hear, showState, needsToken);
  addEventListener("hashchange", open);
  open();
  app.live.start();
  setInterval(eachSecond, 1000);
}

start();
