// CSV as the samples use it: UTF-8, comma, quotes doubled, LF, a header. Text in, rows as objects out, and back.
// Not a general reader: the product's own is in src-tauri/crates/data.

/** Reads CSV text into one object a row, keyed by the header. Throws on a row with too few or too many cells. */
export function parseCsv(text) {
  const [header, ...records] = parseRecords(text);
  return records.map((cells, index) => {
    if (cells.length !== header.length) {
      throw new Error(`record ${index + 2} has ${cells.length} cells, the header ${header.length}`);
    }
    return Object.fromEntries(header.map((name, column) => [name, cells[column]]));
  });
}

/** Writes rows as CSV text with the given columns. */
export function formatCsv(columns, rows) {
  const records = [columns, ...rows.map((row) => columns.map((name) => row[name]))];
  return records.map((cells) => cells.map(quote).join(",") + "\n").join("");
}

function quote(cell) {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function parseRecords(text) {
  const records = [];
  let cells = [];
  // A cell (quoted or bare), then what ends it: a comma, a line end, or the end of the text.
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/y;
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (!match) throw new Error(`broken quoting at character ${at}`);
    const [, quoted, bare, end] = match;
    cells.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end !== ",") {
      records.push(cells);
      cells = [];
    }
  }
  return records;
}
