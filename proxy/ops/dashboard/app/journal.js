// What has happened since the page was opened, newest first; each event as one line in plain words.

import { plain } from "./dom.js";
import { count } from "./format.js";
import { cause } from "./verdicts.js";

const MOST = 500; // lines; a day of a farm that is well

const LINES = {
  hello: (event) => ["on", `Connected to Sluice ${event.version ?? ""}.`],
  switch: (event) => ["warn", `The farm moved from ${event.from || "no pool"} to ${event.to || "no pool"}: ${event.reason === "operator" ? "chosen by hand" : event.reason}.`],
  ban: (event) => ["warn", `${event.ban?.subject ?? "Somebody"} was shut out: ${cause(event.ban?.reason)}.`],
  unban: (event, banned) => ["on", `The ban on ${banned.get(event.id) ?? event.id} is over.`],
  reload: (event) => [event.result === "ok" ? "ok" : "bad", event.result === "ok" ? "The configuration was reloaded." : `A reload was refused: ${event.reason ?? event.result}.`],
  worker_online: (event) => ["ok", `${event.name} came online.`],
  worker_offline: (event) => ["bad", `${event.name} went offline.`],
  block: (event) => ["ok", `A block was found by ${event.worker}${event.pool ? ` at ${event.pool}` : ""}.`],
  no_work: (event) => ["bad", `No work for the miners: ${event.reason}.`],
  work: () => ["ok", "There is work again."],
  missed: (event) => ["warn", `${count(event.count)} events were not shown, because this page was too slow.`],
};

export const KINDS = Object.keys(LINES);

export class Journal {
  constructor() {
    this.lines = [];
    this.banned = new Map(); // subjects by the ids of their bans: an end names the id alone
    this.heard = () => {};
  }

  // Returns the line, or null for what is none.
  add(event) {
    const say = LINES[event.type];
    if (!say) return null;
    const [level, text] = say(event, this.banned);
    if (event.type === "ban") this.banned.set(event.ban.id, event.ban.subject);
    if (event.type === "unban") this.banned.delete(event.id);
    if (this.banned.size > MOST) this.banned.clear();
    const line = { at: event.at ?? new Date().toISOString(), type: event.type, level, text: plain(text), worker: event.name ?? event.worker ?? "" };
    this.lines.unshift(line);
    if (this.lines.length > MOST) this.lines.pop();
    this.heard(line);
    return line;
  }
}
