/** A table that updates its rows in place, so that the focus, a selection and the scroll position stay. */
import { element, setText } from './element.mjs';

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {string} [about] a tooltip for the title
 * @property {'number' | 'text'} kind numbers are aligned to the right, and the first sort puts the greatest first
 * @property {(item: any) => string | number} [sortBy] absent: the table cannot be sorted by this column
 * @property {(cell: HTMLElement, item: any) => void} show
 * @property {boolean} [minor] hidden on small screens
 * @property {boolean} [heads] its cells are the header cells of their rows
 */
export class LiveTable {
  #columns;
  #keyOf;
  #onRow;
  #rows = new Map();
  #body = element('tbody');
  #titles;
  #sorted;

  /**
   * @param {HTMLTableElement} table an element that has only a caption
   * @param {Column[]} columns
   * @param {(item: any) => string} keyOf items with the same key share a row
   * @param {(row: HTMLElement, item: any) => void} [onRow] called for each row that is shown
   */
  constructor(table, columns, keyOf, onRow = () => {}) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#onRow = onRow;
    this.#titles = columns.map((column, at) => this.#titleCell(column, at));
    table.append(element('thead', {}, element('tr', {}, ...this.#titles)), this.#body);
  }

  show(items) {
    const ordered = this.#inOrder(items);
    const rows = ordered.map((item) => this.#rowOf(item));
    const kept = new Set(rows);
    for (const [key, row] of this.#rows) {
      if (kept.has(row)) continue;
      row.remove();
      this.#rows.delete(key);
    }
    // a row in the right place is not moved: moving it would take the focus from it
    rows.forEach((row, at) => {
      if (this.#body.children[at] !== row) this.#body.insertBefore(row, this.#body.children[at] ?? null);
    });
    this.last = items;
  }

  #rowOf(item) {
    const key = this.#keyOf(item);
    let row = this.#rows.get(key);
    if (row === undefined) {
      const cells = this.#columns.map(({ heads, ...column }) =>
        heads ? element('th', { scope: 'row', class: classOf(column) }) : element('td', { class: classOf(column) }),
      );
      row = element('tr', {}, ...cells);
      this.#rows.set(key, row);
    }
    this.#columns.forEach(({ show }, at) => show(row.children[at], item));
    this.#onRow(row, item);
    return row;
  }

  #titleCell(column, at) {
    const { title, about, sortBy } = column;
    const inside =
      sortBy === undefined
        ? element('span', { title: about }, title)
        : element('button', { type: 'button', class: 'sort', title: about, onclick: () => this.#sort(at) }, title);
    return element('th', { scope: 'col', class: classOf(column) }, inside);
  }

  /** The first click sorts in the usual direction of the kind, and each further click reverses it. */
  #sort(at) {
    const natural = this.#columns[at].kind === 'number' ? -1 : 1;
    const direction = this.#sorted?.at === at ? -this.#sorted.direction : natural;
    this.#sorted = { at, direction };
    this.#titles.forEach((cell, other) => {
      if (other === at) cell.setAttribute('aria-sort', direction === 1 ? 'ascending' : 'descending');
      else cell.removeAttribute('aria-sort');
    });
    this.show(this.last ?? []);
  }

  #inOrder(items) {
    if (this.#sorted === undefined) return items;
    const { at, direction } = this.#sorted;
    const { sortBy } = this.#columns[at];
    return items.toSorted((a, b) => {
      const [one, other] = [sortBy(a), sortBy(b)];
      return one < other ? -direction : one > other ? direction : 0;
    });
  }
}

/** A `show` that sets the text of the cell. */
export function textCell(textOf) {
  return (cell, item) => setText(cell, textOf(item));
}

function classOf({ kind, minor }) {
  return minor ? `${kind} minor` : kind;
}
