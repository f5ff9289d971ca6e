// What the page asks and says: confirm, token, help, and a line at the edge for what was done.
// A <dialog> keeps the focus inside, closes by Escape and gives the focus back, all by itself.

import { setToken, token } from "./api.js";
import { el, icon, setText } from "./dom.js";

const TOAST = 6000; // milliseconds; a refusal stays until it is clicked away

export function toast(text, level = "ok") {
  const gone = () => node.remove();
  const node = el(
    "div",
    { class: `toast ${level}` },
    icon(level),
    el("span", {}, text),
    level === "ok" ? null : el("button", { class: "button small", type: "button", onclick: gone }, "Close"),
  );
  const shelf = document.getElementById("toasts");
  while (shelf.childElementCount > 3) shelf.firstElementChild.remove();
  shelf.append(node);
  if (level === "ok") setTimeout(gone, TOAST);
}

// For those who hear the page: what has changed, once, in a sentence.
export function announce(text) {
  setText(document.getElementById("said"), text);
}

function open(build) {
  return new Promise((done) => {
    const node = el("dialog", {
      onclose: () => {
        node.remove();
        done(node.result);
      },
    });
    const close = (result) => {
      node.result = result;
      node.close();
    };
    node.append(...build(close));
    node.setAttribute("aria-labelledby", "dialog-title");
    document.body.append(node);
    node.showModal();
  });
}

export function confirm({ title, text, button, danger = false }) {
  return open((close) => [
    el("h2", { id: "dialog-title" }, title),
    ...text.map((line) => el("p", {}, line)),
    el(
      "footer",
      {},
      el("button", { class: "button", type: "button", autofocus: true, onclick: () => close(false) }, "Cancel"),
      el("button", { class: `button ${danger ? "danger" : "main"}`, type: "button", onclick: () => close(true) }, button),
    ),
  ]);
}

// The token, or undefined if it was not given; what is typed is kept for this tab.
export function askToken(why, fault = "") {
  return open((close) => {
    const field = el("input", { type: "password", id: "token-field", autocomplete: "off", autofocus: true, required: true, "aria-describedby": "token-why" });
    const give = (event) => {
      event.preventDefault();
      const given = field.value.trim();
      if (!given) return;
      setToken(given);
      close(given);
    };
    return [
      el("h2", { id: "dialog-title" }, "Token needed"),
      fault ? el("p", { class: "fault", role: "alert" }, fault) : null,
      el("p", { id: "token-why" }, why),
      el(
        "form",
        { onsubmit: give },
        el("label", { for: "token-field" }, "Token"),
        field,
        el("p", { class: "muted" }, "It is kept in this tab only, and forgotten when you close it. It stands in the configuration under [http] as read_token or admin_token."),
        el(
          "footer",
          {},
          token() ? el("button", { class: "button danger", type: "button", onclick: () => { setToken(""); close(""); } }, "Forget the token") : null,
          el("button", { class: "button", type: "button", onclick: () => close(undefined) }, "Cancel"),
          el("button", { class: "button main", type: "submit" }, "Use token"),
        ),
      ),
    ].filter(Boolean);
  });
}

const KEYS = [
  ["/", "search the table"],
  ["↑ ↓ Home End", "move between rows"],
  ["← →", "move between what is in a row"],
  ["Page ↑ ↓", "turn the page"],
  ["Enter", "open, or press"],
  ["Esc", "clear the search, close a dialog, leave a worker's page"],
  ["1 … 7", "the views, in their order"],
  ["?", "this help"],
];

export function help(shortcuts, setShortcuts) {
  return open((close) => [
    el("h2", { id: "dialog-title" }, "Keys"),
    el("dl", { class: "keys" }, KEYS.flatMap(([key, does]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, does)])),
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", checked: shortcuts, onchange: (event) => setShortcuts(event.target.checked) }),
      "Shortcuts of a single key (/, ?, 1 … 7)",
    ),
    el("footer", {}, el("button", { class: "button main", type: "button", autofocus: true, onclick: () => close() }, "Close")),
  ]);
}
