// Makes and changes nodes.
// The trap: names of workers, jobs, agents and reasons come from strangers, so text is only ever set as
// text, and an attribute never from a string of markup.

const SVG = "http://www.w3.org/2000/svg";

// Attributes: `class`, `on…` with a function, everything else by setAttribute; null and false are left out.
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

// Each of these touches the page only if something has changed: a tick that changes nothing costs no layout.
export function setText(node, text) {
  const wanted = String(text);
  if (node.firstChild?.nodeType === Node.TEXT_NODE && !node.firstChild.nextSibling) {
    if (node.firstChild.data !== wanted) node.firstChild.data = wanted;
  } else if (node.textContent !== wanted || node.firstChild) {
    node.textContent = wanted;
  }
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) {
    node.setAttribute(name, String(value));
  }
}

export function setClass(node, name) {
  if (node.getAttribute("class") !== name) node.setAttribute("class", name);
}

const SHAPES = {
  ok: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm-3 6.7 2.1 2.1 4-4.3",
  warn: "M8 2 1.5 13.5h13ZM8 6.5v3.2m0 1.8v.3",
  bad: "M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3ZM5.7 5.7l4.6 4.6m0-4.6-4.6 4.6",
  off: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Z",
  on: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Zm0 3a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5Z",
  key: "M10.5 1.8a3.7 3.7 0 1 0 0 7.4 3.7 3.7 0 0 0 0-7.4ZM7.8 8.2 2 14m1.8-1.8 1.6 1.6m.4-3.6 1.3 1.3M11.3 4.7h.1",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.5m0 11V15M1 8h1.5m11 0H15M3 3l1 1m8 8 1 1m0-10-1 1m-8 8-1 1",
  moon: "M13.5 9.5A6 6 0 0 1 6.5 2.5a6 6 0 1 0 7 7Z",
  auto: "M8 2a6 6 0 1 0 0 12V2Zm0 0a6 6 0 0 1 0 12",
};

export function icon(name) {
  const path = svg("path", {
    d: SHAPES[name],
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "1.6",
    "stroke-linecap": "round",
    "stroke-linejoin": "round",
  });
  return svg("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, path);
}

// A word with a sign, for a state: colour is never alone.
export function state(level, text, title) {
  return el("span", { class: `state ${level}`, title }, icon(level), el("span", {}, text));
}

export function setState(node, level, text, title) {
  if (!node.classList.contains(level)) {
    node.setAttribute("class", `state ${level}`);
    node.firstChild.replaceWith(icon(level));
  }
  setText(node.lastChild, text);
  setAttribute(node, "title", title);
}

// What a stranger wrote, with every sign that cannot be seen or that turns the line around spelt out: else
// "rig[U+202E]gnp.exe" would be read as another rig.
export function plain(text) {
  return String(text).replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g, (sign) => `[U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

// A name of a stranger: cut off by the style sheet, whole in the title.
export function name(text) {
  const shown = plain(text);
  return el("bdi", { class: "name", title: shown }, shown || "(no name)");
}

// A part of one as a length; the number stands beside it.
export function bar(kind) {
  return el("span", { class: `part ${kind}`, "aria-hidden": "true" }, el("span"));
}

export function setBar(node, part) {
  const width = `${(Math.min(1, Math.max(0, part)) * 100).toFixed(1)}%`;
  if (node.firstChild.style.width !== width) node.firstChild.style.width = width;
}

// Runs a function before the next paint, however often it is asked for until then.
export function painter(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
