import assert from "node:assert/strict";
import { parseSteps, plotOf } from "../../scripts/bench/autoscaling.ts";
import { renderPlot } from "../../scripts/bench/plot.ts";

describe("parseSteps", () => {
  it("reads what the test of the autoscaling prints", () => {
    assert.deepEqual(parseSteps("0 s: 0, 2.5 s: 1, 33 s: 3"), [
      [0, 0],
      [2.5, 1],
      [33, 3],
    ]);
  });

  it("names the step that is none, and one that goes back", () => {
    assert.throws(() => parseSteps("0 s: 0, soon: 1"), /"soon: 1"/);
    assert.throws(() => parseSteps(""), /--steps has ""/);
    assert.throws(() => parseSteps("4 s: 0, 4 s: 1"), /back in time at "4 s"/);
  });
});

describe("plotOf steps", () => {
  it("begins at no servers and holds each number until the next", () => {
    const svg = renderPlot(
      plotOf([
        [0, 1],
        [10, 2],
      ]),
    );
    assert.match(svg, /points="72,196 700,196 700,44"/);
  });
});
