// What may be changed from here: each asks first, needs the admin token, and says what came of it.

import { ApiError, change, path, setToken, token } from "./api.js";
import { askToken, confirm, toast } from "./dialogs.js";
import { cause } from "./verdicts.js";

const OFF = "Changes are switched off: the proxy has no admin token. Set admin_token under [http] in its configuration.";

// app: {summary, live}; returns whether it was done.
async function act(app, question, method, where, done) {
  if (app.summary?.admin === false) {
    toast(OFF, "bad");
    return false;
  }
  if (!(await confirm(question))) return false;
  const before = token();
  const why = `${question.title.replace(/\?$/, "")}: this needs the admin token.`;
  if (!token() && (await askToken(why)) === undefined) {
    toast("Nothing was changed: that needs the admin token.", "bad");
    return false;
  }
  for (;;) {
    try {
      const answer = await change(method, where);
      toast(done(answer));
      app.live?.ask();
      return true;
    } catch (fault) {
      if (!(fault instanceof ApiError)) throw fault;
      const refused = fault.status === 401 || fault.status === 403;
      if (refused) setToken(before); // so that one that was good for looking stays
      if (!refused || (await askToken(why, `Refused: ${fault.message}`)) === undefined) {
        toast(refused ? "Nothing was changed: refused without the admin token." : `Nothing was changed: ${fault.message}`, "bad");
        return false;
      }
    }
  }
}

export function disconnect(app, miner) {
  return act(
    app,
    {
      title: `Disconnect ${miner.worker || "this miner"}?`,
      text: [`Its connection from ${miner.address} is closed; shares under way are still counted.`, "A miner that is well comes back by itself within seconds."],
      button: "Disconnect",
      danger: true,
    },
    "POST",
    `miners/${path(miner.id)}/disconnect`,
    () => `Disconnected ${miner.worker || miner.address}.`,
  );
}

export function unban(app, ban) {
  return act(
    app,
    {
      title: `Lift the ban on ${ban.subject}?`,
      text: [`It was shut out for: ${cause(ban.reason)}.`, "It may connect again at once. If it goes on as before, it is shut out again, and for longer."],
      button: "Lift the ban",
    },
    "DELETE",
    `bans/${path(ban.id)}`,
    () => `The ban on ${ban.subject} is lifted.`,
  );
}

export function activate(app, pool) {
  return act(
    app,
    {
      title: `Move the farm to ${pool.name}?`,
      text: [`All miners get work from ${pool.name} (${pool.url}) as soon as it has some; they stay connected.`, "The proxy goes back to its own order of pools when this one fails."],
      button: `Use ${pool.name}`,
    },
    "POST",
    `upstreams/${path(pool.name)}/activate`,
    () => `The farm moves to ${pool.name}.`,
  );
}

export function reload(app) {
  return act(
    app,
    {
      title: "Read the configuration again?",
      text: ["The file is checked first; if something is wrong with it, nothing changes. Miners stay connected."],
      button: "Reload",
    },
    "POST",
    "reload",
    (answer) => `Reloaded.${describe(answer)}`,
  );
}

function describe(answer) {
  const changes = answer?.changes;
  if (!Array.isArray(changes)) return "";
  return changes.length ? ` Changed: ${changes.map((one) => one.key ?? one.path ?? "").join(", ")}.` : " Nothing has changed.";
}
