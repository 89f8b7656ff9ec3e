/** A row of a CSV file: its cells by the names of the columns, and the line it begins on, from 1. */
export interface CsvRow {
  readonly line: number;
  readonly cells: Readonly<Record<string, string>>;
  /** Cells the row has; another number than there are columns is the reader's to refuse. */
  readonly width: number;
}

export interface CsvTable {
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
}

/**
 * Reads comma-separated values by RFC 4180: the first row names the columns, a cell may be in double quotes, where a doubled
 * one stands for itself and commas and line ends for nothing special. Lines may end in CR LF; empty ones, and those that
 * begin with "#", are left out.
 *
 * @throws RangeError for a quote that is never closed, with its line
 */
export function readCsv(text: string): CsvTable {
  const records = recordsOf(text.startsWith("\ufeff") ? text.slice(1) : text);
  const [header, ...rest] = records;
  const columns = header?.cells.map((name) => name.trim()) ?? [];
  return {
    columns,
    rows: rest.map(({ line, cells }) => ({
      line,
      width: cells.length,
      cells: Object.fromEntries(columns.map((name, at) => [name, cells[at]?.trim() ?? ""])),
    })),
  };
}

interface Record_ {
  readonly line: number;
  readonly cells: readonly string[];
}

function recordsOf(text: string): Record_[] {
  const records: Record_[] = [];
  let cells: string[] = [];
  let cell = "";
  let line = 1;
  let beginning = 1;
  let start = 0;
  let quotedSince: number | undefined;
  const endCell = () => {
    cells.push(cell);
    cell = "";
  };
  const endRecord = (next: number) => {
    endCell();
    const empty = cells.length === 1 && cells[0]!.trim() === "";
    if (!empty && text[start] !== "#") records.push({ line: beginning, cells });
    cells = [];
    beginning = line;
    start = next;
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === "\n") line += 1;
    if (quotedSince !== undefined) {
      if (character !== '"') cell += character;
      else if (text[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quotedSince = undefined;
    } else if (character === '"' && cell.trim() === "") {
      cell = "";
      quotedSince = line;
    } else if (character === ",") endCell();
    else if (character === "\n") endRecord(at + 1);
    else if (character !== "\r" || text[at + 1] !== "\n") cell += character;
  }
  if (quotedSince !== undefined) throw new RangeError(`line ${quotedSince}: a quote is never closed`);
  if (cell !== "" || cells.length > 0) endRecord(text.length);
  return records;
}

/** A table as text that {@link readCsv} reads back. */
export function writeCsv(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const shown = (value: string | number) => {
    const text = String(value);
    return /[",\r\n]|^#|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns, ...rows].map((cells) => `${cells.map(shown).join(",")}\n`).join("");
}
