// Talks to the proxy: JSON over fetch, and the token that it asks for.
// The token lives in this tab only (sessionStorage) and goes into a header, never into an address.

const BASE = new URL("api/v1/", document.baseURI.split("#")[0]);
const TOKEN = "sluice.token";
const PATIENCE = 10_000; // milliseconds; an answer is made from memory, so a later one will not come

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

let inMemory = "";

export function token() {
  try {
    return sessionStorage.getItem(TOKEN) ?? inMemory;
  } catch {
    return inMemory; // storage may be forbidden
  }
}

export function setToken(value) {
  inMemory = value;
  try {
    if (value) sessionStorage.setItem(TOKEN, value);
    else sessionStorage.removeItem(TOKEN);
  } catch {
    // kept in memory, until the page is left
  }
  dispatchEvent(new Event("token"));
}

export function path(...parts) {
  return parts.map(encodeURIComponent).join("/");
}

export function get(where, query = {}, signal) {
  return ask("GET", where, query, signal);
}

export function change(method, where) {
  return ask(method, where, {});
}

async function ask(method, where, query, signal) {
  const url = new URL(where, BASE);
  for (const [key, value] of Object.entries(query)) {
    if (value !== "" && value !== null && value !== undefined) url.searchParams.set(key, value);
  }
  const headers = { Accept: "application/json" };
  const shown = token();
  if (shown) headers.Authorization = `Bearer ${encodeHeader(shown)}`;
  const timeout = AbortSignal.timeout(PATIENCE);
  let response;
  try {
    response = await fetch(url, {
      method,
      headers,
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (fault) {
    if (signal?.aborted) throw fault;
    throw new ApiError(0, "the proxy does not answer");
  }
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, told(text) || `the proxy answered ${response.status}`);
  return text ? JSON.parse(text) : null;
}

// A header takes Latin-1 only; anything else is no token of ours anyway, and must not throw.
function encodeHeader(text) {
  return text.replace(/[^\x21-\x7e\xa1-\xff]/g, "?");
}

function told(text) {
  try {
    const answer = JSON.parse(text);
    return answer.error ?? answer.faults?.join(" · ") ?? "";
  } catch {
    return text.trim().split("\n")[0].slice(0, 200);
  }
}

export function eventsAddress() {
  const url = new URL("events", BASE);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

// Browsers cannot set headers on a WebSocket, so the token goes as a subprotocol.
export function eventsProtocols() {
  const shown = token();
  return shown ? ["sluice.events", `bearer.${shown}`] : ["sluice.events"];
}
