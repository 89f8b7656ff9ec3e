import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { createReport, formatElapsed } from "../../../scripts/lib/report.ts";

function recorder(isTTY: boolean) {
  const writes: string[] = [];
  return { isTTY, columns: 40, writes, write: (text: string) => writes.push(text) };
}

describe("report", () => {
  const times: [number, string][] = [
    [0, "0.0s"],
    [9_949, "9.9s"],
    [9_950, "10s"],
    [59_400, "59s"],
    [185_000, "3m05s"],
    [3_599_999, "1h00m"],
    [3_720_000, "1h02m"],
  ];
  for (const [milliseconds, shown] of times) {
    it(`shows ${milliseconds} ms as ${shown}`, () => assert.equal(formatElapsed(milliseconds), shown));
  }

  it("writes whole lines when steps run side by side without a terminal", async () => {
    const stream = recorder(false);
    let clock = 0;
    const report = createReport({ stream, now: () => clock, announceAfter: 5, remindEvery: 10 });
    await Promise.all([
      report.step("one", async (note) => {
        note("half");
        await sleep(40);
        clock = 2000;
      }),
      report.step("two", () => sleep(1)),
    ]);
    assert.ok(stream.writes.every((text) => /^[…✓] [^\n]*\n$/.test(text)));
    assert.equal(stream.writes[0], "✓ two 0.0s\n");
    assert.equal(stream.writes[1], "… one\n");
    assert.equal(stream.writes[2], "… one 0.0s (half)\n");
    assert.equal(stream.writes.at(-1), "✓ one 2.0s\n");
  });

  it("keeps the live line of a terminal shorter than its width, and leaves none behind", async () => {
    const stream = recorder(true);
    const report = createReport({ stream });
    await report.step("a title that is much longer than forty columns are wide", async () => report.line("between"));
    const screen = stream.writes.join("").replaceAll("\r\u001b[K", "\n");
    for (const line of screen.split("\n").filter((text) => text.endsWith("…"))) {
      assert.ok(line.length <= 39, line);
    }
    assert.match(screen, /^between$/m);
    assert.match(screen, /✓ a title that is much longer than forty columns are wide 0\.0s\n$/);
  });

  it("marks a step that failed and passes its error on", async () => {
    const stream = recorder(false);
    const step = createReport({ stream }).step("doomed", async () => {
      throw new Error("no");
    });
    await assert.rejects(step, /^Error: no$/);
    assert.deepEqual(stream.writes, ["✗ doomed 0.0s\n"]);
  });
});
