import assert from "node:assert/strict";
import fc from "fast-check";
import { readCsv, writeCsv } from "../../../../scripts/simulation/replay/csv.ts";

describe("CSV", () => {
  it("keeps the line each row begins on, over quoted line ends, blank lines and remarks", () => {
    const { columns, rows } = readCsv('a, b\r\n1,"x, ""y""\nz"\r\n\r\n# a remark\r\n2,\r\n3,4,5');
    assert.deepEqual(columns, ["a", "b"]);
    assert.deepEqual(rows, [
      { line: 2, width: 2, cells: { a: "1", b: 'x, "y"\nz' } },
      { line: 6, width: 2, cells: { a: "2", b: "" } },
      { line: 7, width: 3, cells: { a: "3", b: "4" } },
    ]);
  });

  it("refuses a quote that is never closed, with its line", () => {
    assert.throws(() => readCsv('a\n1\n"2'), /line 3: a quote is never closed/);
  });

  it("reads what it writes", () => {
    const cell = fc.string().map((text) => text.trim());
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const read = readCsv(writeCsv(["one", "two"], rows)).rows.map(({ cells }) => [cells["one"], cells["two"]]);
        assert.deepEqual(read, rows);
      }),
    );
  });
});
