// A table that the proxy sorts, searches and pages, and whose rows are changed in place.
//
// Strategy: one page of rows at a time, so ten thousand workers cost what fifty do.  Rows are kept by key;
// a new answer moves and patches them, and the focus stays where it was.  While an answer is under way the
// newest wish waits and older ones are dropped: typing never queues.
// The trap: a row must not be patched under a finger, so it waits while a dialog is open.

import { el, setAttribute, setText } from "./dom.js";
import { count } from "./format.js";

const SLOW = 150; // milliseconds, after which it is seen that an answer is under way
const SIZES = [25, 50, 100, 250];

// columns: [{id, title, sort?, first?, num?, rank?, make(row) → node, patch(node, row)}]
//   first: the order that a first click asks for; rank: 1 stays on a telephone, 2 on a tablet, 3 is for a desk
// load(query, signal) → {items, total}; key(row); query: {sort, order, search, …}; changed(query) tells of a wish.
export class Table {
  constructor({ caption, columns, load, key, query, changed = () => {}, empty, search = true, filters = [] }) {
    Object.assign(this, { caption, columns, load, key, changed, emptyText: empty });
    this.query = { limit: 50, offset: 0, search: "", ...query };
    this.rows = new Map();
    this.current = null; // key of the row that the arrows are on
    this.total = 0;
    this.build(search, filters);
  }

  build(search, filters) {
    this.searchBox = search && el("input", {
      type: "search",
      class: "search",
      placeholder: "Search",
      "aria-label": `Search ${this.caption}`,
      autocomplete: "off",
      spellcheck: "false",
      maxlength: "100",
      oninput: () => this.wish({ search: this.searchBox.value, offset: 0 }),
    });
    if (this.searchBox) this.searchBox.value = this.query.search;
    this.heads = this.columns.map((column) => this.head(column));
    this.body = el("tbody", { onkeydown: (event) => this.keys(event), onfocusin: (event) => this.focused(event) });
    this.note = el("p", { class: "count", role: "status" });
    this.back = el("button", { class: "button small", type: "button", onclick: () => this.turn(-1) }, "Previous");
    this.forth = el("button", { class: "button small", type: "button", onclick: () => this.turn(1) }, "Next");
    this.size = el(
      "select",
      { "aria-label": "Rows on a page", onchange: () => this.wish({ limit: Number(this.size.value), offset: 0 }) },
      SIZES.map((size) => el("option", { value: size, selected: size === this.query.limit }, `${size} rows`)),
    );
    this.fault = el("p", { class: "fault", role: "alert", hidden: true });
    this.emptyNote = el("p", { class: "empty", hidden: true });
    this.node = el(
      "div",
      { class: "tabled" },
      el("div", { class: "bar" }, this.searchBox, filters, this.note, el("div", { class: "pages" }, this.size, this.back, this.forth)),
      this.fault,
      el(
        "div",
        { class: "scroll" },
        el("table", {}, el("caption", { class: "unseen" }, this.caption), el("thead", {}, el("tr", {}, this.heads)), this.body),
      ),
      this.emptyNote,
    );
    this.showSort();
  }

  head(column) {
    const attributes = { scope: "col", class: `${column.num ? "num " : ""}rank-${column.rank ?? 1}` };
    if (!column.sort) return el("th", attributes, column.title);
    return el("th", attributes, el("button", { type: "button", onclick: () => this.sortBy(column) }, column.title, el("span", { class: "arrow", "aria-hidden": "true" })));
  }

  sortBy(column) {
    const same = this.query.sort === column.sort;
    const order = same ? (this.query.order === "asc" ? "desc" : "asc") : (column.first ?? (column.num ? "desc" : "asc"));
    this.wish({ sort: column.sort, order, offset: 0 });
  }

  showSort() {
    this.columns.forEach((column, index) => {
      if (!column.sort) return;
      const sorted = this.query.sort === column.sort ? (this.query.order === "desc" ? "descending" : "ascending") : "none";
      setAttribute(this.heads[index], "aria-sort", sorted);
    });
  }

  turn(by) {
    const offset = this.query.offset + by * this.query.limit;
    if (offset >= 0 && offset < this.total) this.wish({ offset });
  }

  wish(changes) {
    Object.assign(this.query, changes);
    this.changed(this.query);
    this.showSort();
    return this.refresh(true);
  }

  // Asks again; `pressing` when somebody waits for it: what is under way then is answered, but not shown.
  async refresh(pressing = false) {
    if (this.closed) return;
    if (this.asking) {
      this.again ||= pressing;
      return;
    }
    if (!pressing && (document.hidden || document.querySelector("dialog[open]"))) return;
    this.asking = new AbortController();
    const slow = setTimeout(() => this.node.setAttribute("aria-busy", "true"), SLOW);
    do {
      this.again = false;
      try {
        const { items, total } = await this.load({ ...this.query }, this.asking.signal);
        if (!this.again && !this.closed) this.show(items, total);
      } catch (fault) {
        if (!this.again && !this.closed) this.failed(fault);
      }
    } while (this.again && !this.closed);
    clearTimeout(slow);
    this.node.removeAttribute("aria-busy");
    this.asking = null;
  }

  failed(fault) {
    this.fault.hidden = false;
    setText(this.fault, `Not up to date: ${fault.message}`);
  }

  show(items, total) {
    this.fault.hidden = true;
    this.total = total;
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    const seen = new Set();
    let place = this.body.firstElementChild;
    for (const item of items) {
      const key = String(this.key(item));
      if (seen.has(key)) continue;
      seen.add(key);
      const row = this.rows.get(key) ?? this.make(key, item);
      row.item = item;
      this.columns.forEach((column, index) => column.patch?.(row.nodes[index], item, row.cells[index]));
      if (row.tr === place) place = place.nextElementSibling;
      else this.body.insertBefore(row.tr, place);
    }
    for (const [key, row] of this.rows) {
      if (seen.has(key)) continue;
      row.tr.remove();
      this.rows.delete(key);
    }
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    this.rove();
    this.sayCount(items.length, total);
  }

  make(key, item) {
    const nodes = this.columns.map((column) => column.make(item));
    const cells = this.columns.map((column, index) =>
      el(index ? "td" : "th", { scope: index ? null : "row", class: `${column.num ? "num " : ""}rank-${column.rank ?? 1}`, "data-title": column.title }, nodes[index]),
    );
    const row = { tr: el("tr", { "data-key": key }, cells), nodes, cells, item };
    this.rows.set(key, row);
    return row;
  }

  sayCount(shown, total) {
    const { offset, limit, search } = this.query;
    setText(this.note, total ? `${count(offset + 1)}–${count(offset + shown)} of ${count(total)}` : "none");
    this.back.disabled = offset <= 0;
    this.forth.disabled = offset + limit >= total;
    this.emptyNote.hidden = shown > 0;
    if (!shown) setText(this.emptyNote, search ? `Nothing matches “${search}”.` : this.emptyText);
    if (!shown && offset > 0 && total > 0) this.wish({ offset: 0 });
  }

  // One row's links and buttons are in the tab order; arrows move to another row.
  rove() {
    if (!this.rows.has(this.current)) this.current = this.body.firstElementChild?.dataset.key ?? null;
    for (const [key, row] of this.rows) {
      for (const control of row.tr.querySelectorAll("a, button")) setAttribute(control, "tabindex", key === this.current ? null : "-1");
    }
  }

  focused(event) {
    const key = event.target.closest("tr")?.dataset.key;
    if (key === undefined || key === this.current) return;
    this.current = key;
    this.rove();
  }

  keys(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = event.target.closest("tr");
    const controls = [...row.querySelectorAll("a, button")];
    const column = controls.indexOf(event.target.closest("a, button"));
    const rows = [...this.body.children];
    const at = rows.indexOf(row);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 };
    if (event.key in steps) {
      const other = rows[Math.min(Math.max(steps[event.key], 0), rows.length - 1)];
      const its = [...other.querySelectorAll("a, button")];
      (its[column] ?? its[0])?.focus();
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      controls[column + (event.key === "ArrowRight" ? 1 : -1)]?.focus();
    } else if (event.key === "PageDown" || event.key === "PageUp") {
      this.turn(event.key === "PageDown" ? 1 : -1);
    } else return;
    event.preventDefault();
  }

  focusSearch() {
    this.searchBox?.focus();
    this.searchBox?.select();
  }

  close() {
    this.closed = true;
    this.asking?.abort();
  }
}

// A column of text.
export function textColumn(id, title, text, more = {}) {
  return {
    id,
    title,
    make: () => el("span"),
    patch: (node, row) => {
      setText(node, text(row));
      if (more.hint) setAttribute(node, "title", more.hint(row));
    },
    ...more,
  };
}
