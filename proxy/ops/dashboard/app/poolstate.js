// A pool's state in a word and a level.
// The trap: a pool that is not connected because nobody needs it is no fault, though the API calls it down.

const LEVELS = { active: "ok", standby: "on", connecting: "warn", down: "bad" };
const IDLE = ["not tried yet", "not needed now"];

export function isIdle(pool) {
  return pool.state === "down" && IDLE.includes(pool.last_fault);
}

export function poolState(pool) {
  if (pool.current) return { level: "ok", text: "in use" };
  if (isIdle(pool)) return { level: "off", text: pool.last_fault };
  return { level: LEVELS[pool.state] ?? "warn", text: pool.state };
}
