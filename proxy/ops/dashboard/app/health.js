// Says in one sentence how the farm is, from the figures; pure, so that it can be tested line by line.
// Rules in order of guilt: the first that holds is the headline, so what costs most money stands first.

import { ago, count, duration, percent, secondsSince } from "./format.js";
import { isIdle } from "./poolstate.js";
import { sum } from "./verdicts.js";

const ENOUGH = 20; // answers of the pool, before a ratio says anything
export const WINDOW = 300; // seconds that "lately" means
const OLD_JOB = 600; // seconds; no coin of ours has blocks that rare
const MANY = 0.2; // of all workers that are known; some of those away have been sold
const NO_ACCEPT = 120; // seconds without an accepted share while others go out

// What of two summaries lies between them; both since the start of the same proxy.
export function between(first, last) {
  const shares = {};
  for (const [reason, value] of Object.entries(last.shares)) {
    shares[reason] = value - (first.shares?.[reason] ?? 0);
  }
  return { shares, seconds: (Date.parse(last.now) - Date.parse(first.now)) / 1000 };
}

export function acceptRatio(shares) {
  return shares.accepted / sum(shares, ["accepted", "rejected", "lost"]);
}

// The last minutes of summaries, one every five seconds, to see what has just changed.
export class Lately {
  constructor(seconds = WINDOW, step = 5) {
    this.seconds = seconds;
    this.step = step;
    this.kept = [];
  }

  add(summary) {
    const last = this.kept.at(-1);
    // Another start is another book.
    if (last && last.started_at !== summary.started_at) this.kept = [];
    const since = last ? (Date.parse(summary.now) - Date.parse(last.now)) / 1000 : Infinity;
    this.newest = summary;
    if (since < this.step && this.kept.length) return;
    this.kept.push(summary);
    const bound = Date.parse(summary.now) - this.seconds * 1000;
    while (this.kept.length > 2 && Date.parse(this.kept[1].now) <= bound) this.kept.shift();
  }

  get() {
    return this.newest ? between(this.kept[0], this.newest) : { shares: {}, seconds: 0 };
  }
}

// {level: ok | warn | bad, title, detail, also: [further lines]}
export function health(summary, pools, lately) {
  const found = [...faults(summary, pools, lately)];
  if (found.length) {
    const [first, ...rest] = found.sort((a, b) => (a.level === b.level ? 0 : a.level === "bad" ? -1 : 1));
    return { ...first, also: rest };
  }
  const { shares } = isTelling(lately) ? lately : summary;
  const ratio = acceptRatio(shares);
  return {
    level: "ok",
    title: `${summary.pool || "The pool"} accepts our shares`,
    detail: Number.isFinite(ratio)
      ? `${percent(ratio)} of what was sent ${shares === summary.shares ? "since the start" : `in the last ${duration(lately.seconds)}`}; last job ${ago(summary.last_job_at)}.`
      : `Nothing has been sent yet; last job ${ago(summary.last_job_at)}.`,
    also: [],
  };
}

// Whether a window is long and full enough to say more than the whole time does.
export function isTelling(window) {
  return window.seconds >= 60 && answered(window) >= ENOUGH;
}

function answered(window) {
  return sum(window.shares, ["accepted", "rejected", "lost"]);
}

function* faults(summary, pools, lately) {
  if (!summary.ready) {
    yield {
      level: "bad",
      title: "No work: the farm earns nothing",
      detail: `${sentence(summary.reason || "no pool gives work")} Last job ${ago(summary.last_job_at)}.`,
    };
  }
  if (summary.conserved === false) {
    yield { level: "bad", title: "The books do not balance", detail: "Shares are missing from the sums below: please report this as a bug." };
  }
  const ratio = acceptRatio(lately.shares);
  if (answered(lately) >= ENOUGH && ratio < 0.95) {
    const { accepted, rejected, lost } = lately.shares;
    yield {
      level: ratio < 0.8 ? "bad" : "warn",
      title: rejected >= lost ? "The pool refuses shares" : "Shares get lost on the way to the pool",
      detail: `${percent(ratio)} accepted in the last ${duration(lately.seconds)}: ${count(rejected)} refused, ${count(lost)} lost, ${count(accepted)} accepted.`,
    };
  } else if (lately.seconds > NO_ACCEPT && answered(lately) > 0 && !lately.shares.accepted) {
    yield { level: "bad", title: "The pool accepts nothing", detail: `No share was accepted in the last ${duration(lately.seconds)}.` };
  }
  if (summary.ready && secondsSince(summary.last_job_at) > OLD_JOB) {
    yield { level: "warn", title: "No new job", detail: `The last one came ${ago(summary.last_job_at)}; the pool may be stuck.` };
  }
  if (!summary.miners) {
    yield { level: "warn", title: "No miner is connected", detail: "The pool is ready and nobody works. Check the miners' address and port." };
  }
  const missing = summary.offline_workers ?? 0;
  if (summary.miners && missing / (summary.workers + missing) >= MANY) {
    yield { level: "warn", title: `${count(missing)} of ${count(summary.workers + missing)} workers are missing`, detail: "Those that left last stand first in the list below." };
  }
  const current = pools.find((pool) => pool.current);
  const preferred = pools[0];
  if (summary.ready && current && preferred && current.name !== preferred.name) {
    yield {
      level: "warn",
      title: `On the fallback pool ${current.name}`,
      detail: isIdle(preferred) ? `${preferred.name} was left, and is not needed now.` : `${preferred.name} is ${preferred.state}${preferred.last_fault ? `: ${sentence(preferred.last_fault)}` : "."}`,
    };
  }
  const ledger = summary.ledger;
  if (ledger && (ledger.state === "behind" || ledger.state === "down")) {
    yield { level: "warn", title: `The ledger is ${ledger.state}`, detail: `${count(ledger.pending)} shares wait to be written${ledger.reason ? `: ${ledger.reason}` : ""}. Mining goes on.` };
  }
}

export function sentence(text) {
  const trimmed = String(text).trim();
  const whole = trimmed.charAt(0).toUpperCase() + trimmed.slice(1);
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
