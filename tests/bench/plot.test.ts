import assert from "node:assert/strict";
import fc from "fast-check";
import { linearTicks, logTicks, type Plot, renderPlot } from "../../scripts/bench/plot.ts";

const PLOT: Plot = {
  title: 'a < b & "c"',
  xLabel: "trials",
  yLabel: "loss",
  series: [
    {
      name: "tpe",
      points: [
        [0, 1],
        [1, 2],
        [2, 4],
      ],
    },
    { name: "random", points: [[0, 0]] },
  ],
};

/** The points of the lines of a plot, without its axes. */
function linesOf(svg: string): string[] {
  return [...svg.matchAll(/<polyline class="line"[^>]* points="([^"]*)"/g)].map(([, points]) => points!);
}

describe("renderPlot", () => {
  it("gives the same text for the same plot, with title, labels, a legend and both schemes", () => {
    const svg = renderPlot(PLOT);
    assert.equal(renderPlot(structuredClone(PLOT)), svg);
    assert.ok(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"') && svg.endsWith("</svg>\n"));
    for (const text of [
      "a &lt; b &amp; &quot;c&quot;",
      ">trials<",
      ">loss<",
      ">tpe<",
      ">random<",
      "color-scheme: dark",
    ]) {
      assert.ok(svg.includes(text), text);
    }
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/);
  });

  it("puts larger values to the right and up, evenly on a linear scale", () => {
    assert.deepEqual(linesOf(renderPlot(PLOT)), ["72,272 386,196 700,44", "72,348"]);
  });

  it("holds a count until it changes when it draws steps", () => {
    assert.deepEqual(linesOf(renderPlot({ ...PLOT, shape: "steps" }))[0], "72,272 386,272 386,196 700,196 700,44");
  });

  it("puts equal ratios at equal distances on a logarithmic scale", () => {
    const points = [0.1, 1, 10].map((value, at) => [at, value] as const);
    const [line] = linesOf(renderPlot({ ...PLOT, yScale: "log", series: [{ name: "a", points }] }));
    assert.deepEqual(line, "72,348 386,196 700,44");
  });

  it("leaves out what is not finite, and refuses a plot of nothing or of too much", () => {
    const points = [
      [1, Number.POSITIVE_INFINITY],
      [2, 3],
    ] as const;
    assert.doesNotMatch(renderPlot({ ...PLOT, series: [{ name: "a", points }] }), /NaN|Infinity/);
    assert.throws(() => renderPlot({ ...PLOT, series: [] }), /nothing to plot/);
    assert.throws(() => renderPlot({ ...PLOT, series: Array(5).fill(PLOT.series[0]) }), /at most 4 series, not 5/);
  });

  it("names no legend for a single line", () => {
    const only = { ...PLOT, series: [PLOT.series[0]!] };
    assert.ok(!renderPlot(only).includes(">tpe<"));
  });
});

describe("linearTicks", () => {
  it("gives round numbers around a range", () => {
    assert.deepEqual(linearTicks(0, 100), [0, 20, 40, 60, 80, 100]);
    assert.deepEqual(linearTicks(0, 3), [0, 1, 2, 3]);
    assert.deepEqual(linearTicks(1, 48), [0, 10, 20, 30, 40, 50]);
    assert.deepEqual(linearTicks(0, 0), [0, 0.2, 0.4, 0.6, 0.8, 1].slice(0, 2));
  });

  it("covers any range with few, evenly", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (low, span) => {
          const ticks = linearTicks(low, low + span);
          assert.ok(ticks.length >= 2 && ticks.length <= 8, String(ticks));
          const step = ticks[1]! - ticks[0]!;
          assert.ok(ticks[0]! <= low + step * 1e-6 && ticks.at(-1)! >= low + span - step * 1e-6, String(ticks));
        },
      ),
    );
  });
});

describe("logTicks", () => {
  it("gives 1, 2 and 5 of each power around a range", () => {
    assert.deepEqual(logTicks(0.09, 2.3), [0.05, 0.1, 0.2, 0.5, 1, 2, 5]);
    assert.deepEqual(logTicks(1, 1), [1, 2]);
    assert.throws(() => logTicks(0, 1), RangeError);
  });
});
