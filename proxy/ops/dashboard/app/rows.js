// A short list whose lines are kept by key and patched in place, as a table's rows are.

import { el } from "./dom.js";

// make(row) → nodes; patch(nodes, row)
export class Rows {
  constructor({ key, make, patch, empty }) {
    Object.assign(this, { key, make, patch });
    this.lines = new Map();
    this.list = el("ul", { class: "rows" });
    this.empty = el("p", { class: "empty" }, empty);
    this.node = el("div", {}, this.list, this.empty);
  }

  set(rows) {
    const seen = new Set();
    let place = this.list.firstElementChild;
    for (const row of rows) {
      const key = String(this.key(row));
      if (seen.has(key)) continue;
      seen.add(key);
      let line = this.lines.get(key);
      if (!line) {
        const nodes = this.make(row);
        line = { nodes, li: el("li", {}, nodes) };
        this.lines.set(key, line);
      }
      this.patch(line.nodes, row);
      if (line.li === place) place = place.nextElementSibling;
      else this.list.insertBefore(line.li, place);
    }
    for (const [key, line] of this.lines) {
      if (seen.has(key)) continue;
      line.li.remove();
      this.lines.delete(key);
    }
    this.empty.hidden = seen.size > 0;
  }
}
