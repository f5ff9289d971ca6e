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
  ok: "M8 1.500a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13Zm-3 6.700 2.100 2.100 4-4.300",
  warn: "M8 2 1.500 13.500h13ZM8 6.500v3.200m0 1.800v.3",
  bad: "M5.300 1.500h5.400l3.800 3.800v5.400l-3.800 3.800H5.300l-3.800-3.800V5.300ZM5.700 5.700l4.600 4.600m0-4.600-4.600 4.600",
  off: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11Z",
  on: "M8 2.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11Zm0 3a2.500 2.500 0 1 0 0 5 2.500 2.500 0 0 0 0-5Z",
  key: "M10.500 2a3.500 3.500 0 1 0-2.800 5.600L2 13.300V14.500h2.200v-1.800H6V11l2.300-1.500M11 5h.1",
  sun: "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM8 1v1.500m0 11V15M1 8h1.500m11 0H15M3 3l1 1m8 8 1 1m0-10-1 1m-8 8-1 1",
  moon: "M13.500 9.500A6 6 0 0 1 6.500 2.500a6 6 0 1 0 7 7Z",
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

// A name of a stranger: cut off by the style sheet, whole in the title, and never turning the line around.
export function name(text) {
  return el("bdi", { class: "name", title: text }, text || "(no name)");
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
