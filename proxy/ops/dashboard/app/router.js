// Addresses behind the #: #/workers?sort=bad, #/worker/NAME. They can be kept, sent and gone back to.

export function parse(hash) {
  const [way, query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const parts = way.split("/").map(decode);
  return { view: parts[0] || "overview", name: parts.slice(1).join("/"), query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function workerAddress(name) {
  return `#/worker/${encodeURIComponent(name)}`;
}

// Notes a table's wishes in the address, without a step in the history.
export function note(view, query, standard) {
  const kept = Object.entries(query).filter(([key, value]) => value !== "" && value !== standard[key] && value !== undefined);
  const text = new URLSearchParams(kept).toString();
  history.replaceState(null, "", `#/${view}${text ? `?${text}` : ""}`);
}
