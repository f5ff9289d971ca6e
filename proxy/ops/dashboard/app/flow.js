// Where every share went, as a picture: bands as wide as what flows in them, from received on the left to
// what became of it on the right; every node has its number beside it.
//
// Strategy: two columns of nodes are stacked from the top, those that went on to the pool first, so that no
// band crosses another.  Nodes are made once and moved, so that a tick is a few attributes.
// The trap: one share in a thousand is what the operator looks for, so no band is thinner than the eye sees.

import { el, setAttribute, setClass, setText, svg } from "./dom.js";
import { count, percent } from "./format.js";
import { FILTERED, FORWARDED, sum, verdict } from "./verdicts.js";

const THINNEST = 3;
const SLOT = 18; // a line of text
const TOP = 22; // the two headings
const NODE = 9;

// The nodes, from a summary; zeros are left out, but for accepted.
export function parts(summary) {
  const shares = summary.shares;
  const node = (id, label, kind, value) => ({ id, label, kind, value });
  const ended = FORWARDED.map((reason) => node(reason, verdict(reason).label, reason, shares[reason] ?? 0));
  ended.push(node("in_flight", "In flight", "in-flight", summary.in_flight ?? 0));
  const here = FILTERED.map((reason) => node(reason, verdict(reason).label, "filtered", shares[reason] ?? 0));
  here.sort((a, b) => b.value - a.value);
  here.unshift(node("kept", verdict("kept").label, "kept", shares.kept ?? 0));
  const some = (list) => list.filter((one) => one.value > 0 || one.id === "accepted");
  return { received: summary.received, forwarded: summary.forwarded, ended: some(ended), here: some(here) };
}

// Both sums in words, and whether they hold; recomputed here, not believed.
export function sums(summary) {
  const { shares, received, forwarded } = summary;
  const filtered = sum(shares, FILTERED);
  const inFlight = summary.in_flight ?? 0;
  const first = filtered + (shares.kept ?? 0) + forwarded;
  const second = sum(shares, FORWARDED) + inFlight;
  return {
    holds: received === first && forwarded === second,
    lines: [
      `${count(received)} received ${received === first ? "=" : "≠"} ${count(filtered)} refused here + ${count(shares.kept ?? 0)} kept + ${count(forwarded)} to the pool`,
      `${count(forwarded)} to the pool ${forwarded === second ? "=" : "≠"} ${count(shares.accepted ?? 0)} accepted + ${count(shares.rejected ?? 0)} rejected + ${count(shares.lost ?? 0)} lost + ${count(inFlight)} in flight`,
    ],
  };
}

// Heights and places; pure. `height` is what the bands may take at most.
export function layout({ received, forwarded, ended, here }, width, height) {
  const scale = Math.max(0, height - SLOT * (ended.length + here.length)) / Math.max(1, received);
  const thick = (value) => (value > 0 ? Math.max(THINNEST, value * scale) : 0);
  const narrow = width < 520;
  const columns = narrow ? [0, width * 0.18, width * 0.42] : [0, width * 0.36, width - 200];
  const place = (list, x, from) => {
    let y = from;
    return list.map((node) => {
      const size = thick(node.value);
      const slot = Math.max(SLOT, size + 3);
      const placed = { ...node, x, y: y + (slot - size) / 2, size, middle: y + slot / 2 };
      y += slot;
      return placed;
    });
  };
  const right = place(ended, columns[2], TOP);
  const belowRight = right.length ? Math.max(...right.map((node) => node.middle + Math.max(SLOT, node.size) / 2)) : TOP;
  const sent = right.reduce((total, node) => total + node.size, 0);
  const middle = place(here, columns[1], Math.max(belowRight, TOP + sent) + (here.length ? 8 : 0));
  const all = sent + middle.reduce((total, node) => total + node.size, 0);
  const bottom = Math.max(belowRight, TOP + all, ...middle.map((node) => node.middle + SLOT / 2)) + 4;
  return { columns, right, middle, sent, all, bottom, forwarded };
}

function band(x1, y1, x2, y2, size) {
  const half = (x1 + x2) / 2;
  return `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}V${y2 + size}C${half} ${y2 + size} ${half} ${y1 + size} ${x1} ${y1 + size}Z`;
}

export class Flow {
  constructor() {
    this.picture = svg("svg", { class: "flow", role: "img" });
    this.check = el("ul", { class: "sums" });
    this.lines = [el("li"), el("li")];
    this.check.append(...this.lines);
    this.empty = el("p", { class: "empty" }, "No share has come yet.");
    this.node = el("figure", { class: "flow-figure" }, this.empty, this.picture, el("figcaption", {}, this.check));
    this.shapes = new Map();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.node);
  }

  close() {
    this.observer.disconnect();
  }

  set(summary) {
    this.summary = summary;
    this.draw();
  }

  draw() {
    const width = Math.floor(this.node.clientWidth);
    if (!this.summary || width < 50) return;
    const what = parts(this.summary);
    this.empty.hidden = what.received > 0;
    this.picture.toggleAttribute("hidden", !what.received);
    const at = layout(what, width, width < 520 ? 240 : 264);
    this.used = new Set();
    setAttribute(this.picture, "viewBox", `0 0 ${width} ${Math.ceil(at.bottom)}`);
    setAttribute(this.picture, "width", width);
    setAttribute(this.picture, "height", Math.ceil(at.bottom));
    this.bands(what, at);
    this.headings(what, at, width);
    for (const [key, shape] of this.shapes) {
      if (!this.used.has(key)) {
        shape.remove();
        this.shapes.delete(key);
      }
    }
    this.words(what);
  }

  bands(what, at) {
    const [x1, x2, x3] = at.columns;
    let left = TOP;
    this.block("received", "received", x1, TOP, at.all);
    if (at.sent > 0) {
      this.path("received>forwarded", "forwarded", band(x1 + NODE, left, x2, TOP, at.sent));
      this.block("forwarded", "forwarded", x2, TOP, at.sent);
    }
    left += at.sent;
    for (const node of at.middle) {
      this.path(`received>${node.id}`, node.kind, band(x1 + NODE, left, x2, node.y, node.size));
      left += node.size;
      this.block(node.id, node.kind, x2, node.y, node.size);
      this.label(node, x2, what.received);
    }
    let sent = TOP;
    for (const node of at.right) {
      if (node.size > 0) {
        this.path(`forwarded>${node.id}`, node.kind, band(x2 + NODE, sent, x3, node.y, node.size));
        this.block(node.id, node.kind, x3, node.y, node.size);
      }
      sent += node.size;
      this.label(node, x3, what.received);
    }
  }

  headings(what, at, width) {
    const narrow = width < 520;
    this.text("head>received", "flow-head", at.columns[0], 13, narrow ? "Received" : `Received ${count(what.received)}`);
    this.text("head>forwarded", "flow-head", at.columns[1], 13, narrow ? "To the pool" : `To the pool ${count(what.forwarded)}`);
    this.text("head>ended", "flow-head", at.columns[2], 13, "The pool's verdict");
  }

  label(node, x, received) {
    const part = received ? `  ${percent(node.value / received)}` : "";
    this.text(`text>${node.id}`, "flow-label", x + NODE + 7, node.middle + 4, `${node.label} ${count(node.value)}${part}`);
  }

  shape(key, tag) {
    this.used.add(key);
    let shape = this.shapes.get(key);
    if (!shape) {
      shape = svg(tag);
      this.shapes.set(key, shape);
      this.picture.append(shape);
    }
    return shape;
  }

  path(key, kind, d) {
    const shape = this.shape(key, "path");
    setClass(shape, `band ${kind}`);
    setAttribute(shape, "d", d);
  }

  block(key, kind, x, y, size) {
    const shape = this.shape(`node>${key}`, "rect");
    setClass(shape, `block ${kind}`);
    for (const [name, value] of Object.entries({ x, y, width: NODE, height: Math.max(1, size), rx: 2 })) setAttribute(shape, name, value);
  }

  text(key, kind, x, y, words) {
    const shape = this.shape(key, "text");
    setClass(shape, kind);
    setAttribute(shape, "x", x);
    setAttribute(shape, "y", y);
    setText(shape, words);
  }

  words(what) {
    const { holds, lines } = sums(this.summary);
    setClass(this.check, `sums ${holds ? "ok" : "bad"}`);
    this.lines.forEach((line, index) => setText(line, lines[index]));
    const told = [...what.ended, ...what.here].map((node) => `${node.label} ${count(node.value)}`).join(", ");
    setAttribute(this.picture, "aria-label", `Where ${count(what.received)} received shares went: ${told}. ${holds ? "Both sums hold." : "The sums do not hold."}`);
  }
}
