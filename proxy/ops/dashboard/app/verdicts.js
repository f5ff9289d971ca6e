// The thirteen ends of a share: what each is called, means, and asks of the operator.
// `kind` has the colour; `todo` is what a person reads at three in the morning, so it starts with what to do.

export const VERDICTS = {
  accepted: {
    label: "Accepted",
    kind: "accepted",
    means: "The pool took the share and pays for it.",
    todo: "Nothing: this is what shares are for.",
  },
  kept: {
    label: "Kept here",
    kind: "kept",
    means: "Good enough for the miner's own difficulty but not for the pool's, so it is counted here and not sent.",
    todo: "Nothing: it is how a slow miner is seen to be alive between shares that the pool wants.",
  },
  malformed: {
    label: "Malformed",
    kind: "filtered",
    means: "The share has fields of a wrong type or length, or that are not hex.",
    todo: "Update or reconfigure the miner's software; another program, or one for another coin, may be on this port.",
  },
  unauthorized: {
    label: "Unauthorized",
    kind: "filtered",
    means: "The share came before the miner had logged in, or after its login was refused.",
    todo: "Check the miner's user and password, and update its software if they are right.",
  },
  not_subscribed: {
    label: "Not subscribed",
    kind: "filtered",
    means: "The share came before the miner had subscribed, so it has no nonces of its own yet.",
    todo: "Restart the miner; if it comes back, its software skips mining.subscribe and needs an update.",
  },
  unknown_job: {
    label: "Unknown job",
    kind: "filtered",
    means: "The share is for a job that this connection never gave to this miner.",
    todo: "Restart the miner if it lasts: it goes on with work from before a reconnect, or mixes up two pools.",
  },
  stale: {
    label: "Stale",
    kind: "filtered",
    means: "The share came after a new block had replaced its job.",
    todo: "A few are normal. More than 2 %: look at the network between miner and proxy (Wi-Fi, packet loss), and at miners that are slow to take new work.",
  },
  bad_nonce: {
    label: "Nonce outside slice",
    kind: "filtered",
    means: "The nonce lies outside the range that this miner was given, so another miner may do the same work.",
    todo: "Restart the miner; if it comes back, its software ignores extranonce1, or NiceHash mode is set wrongly.",
  },
  duplicate: {
    label: "Duplicate",
    kind: "filtered",
    means: "The very same share had been sent before.",
    todo: "A few after a change of difficulty are normal. Many: restart the miner, for it repeats its work.",
  },
  low_difficulty: {
    label: "Low difficulty",
    kind: "filtered",
    means: "The share does not meet the target that the miner was given.",
    todo: "Check that the miner follows the set difficulty; a fixed one in its own settings is the usual cause.",
  },
  invalid_solution: {
    label: "Invalid solution",
    kind: "filtered",
    means: "The Equihash proof is wrong: the machine has miscalculated.",
    todo: "Take back its overclock and look at its temperature and memory: this is what failing or overheated hardware sends.",
  },
  rejected: {
    label: "Rejected",
    kind: "rejected",
    means: "The share was right as far as can be checked here, and the pool said no; its words are beside it.",
    todo: "Read the pool's words: 'stale' means the way to the pool is slow; anything else, ask the pool.",
  },
  lost: {
    label: "Lost",
    kind: "lost",
    means: "The pool connection broke, or the pool did not answer in time, so nobody knows whether it pays.",
    todo: "Look at the pools: a few at each switch are normal, a steady loss is the pool or the way there.",
  },
};

export const REASONS = Object.keys(VERDICTS);
export const FORWARDED = ["accepted", "rejected", "lost"];
export const FILTERED = REASONS.filter((reason) => reason !== "kept" && !FORWARDED.includes(reason));
export const BAD = [...FILTERED, "rejected", "lost"];

export function verdict(reason) {
  return VERDICTS[reason] ?? {
    label: String(reason),
    kind: "filtered",
    means: "A verdict that this page does not know.",
    todo: "Reload the page: the proxy may be newer.",
  };
}

export function sum(shares, reasons) {
  return reasons.reduce((total, reason) => total + (shares?.[reason] ?? 0), 0);
}

// The reason behind most bad shares, "" if there are none.
export function worst(shares) {
  let most = "";
  for (const reason of BAD) if ((shares?.[reason] ?? 0) > (shares?.[most] ?? 0)) most = reason;
  return most;
}

// Why somebody is shut out: mostly a verdict, else what an address did.
const CAUSES = { junk: "Junk instead of a miner's lines", flood: "A flood of connections" };

export function cause(reason) {
  return CAUSES[reason] ?? VERDICTS[reason]?.label ?? String(reason);
}

// The bad part of all shares that came to an end; NaN if there are none.
export function badRatio(shares) {
  const bad = sum(shares, BAD);
  return bad / (bad + sum(shares, ["accepted", "kept"]));
}
