import assert from "node:assert/strict";
import { plotsOf } from "../../scripts/bench/autoscaling.ts";
import { renderPanels } from "../../scripts/bench/plot.ts";
import { describeSteps } from "../../scripts/bench/scaled-model.ts";

const SAMPLES = [
  { seconds: 0, wanted: 0, ready: 0, underWay: 0 },
  { seconds: 2, wanted: 1, ready: 0, underWay: 24 },
  { seconds: 4, wanted: 1, ready: 1, underWay: 12 },
  { seconds: 10, wanted: 0, ready: 0, underWay: 0 },
];

describe("plotsOf samples", () => {
  it("holds each number until the next, servers and requests on the same seconds", () => {
    const lines = [...renderPanels(plotsOf(SAMPLES)).matchAll(/class="line"[^>]* points="([^"]*)"/g)];
    assert.deepEqual(
      lines.map(([, points]) => points),
      [
        "72,234 197.6,234 197.6,44 323.2,44 323.2,44 700,44 700,234",
        "72,234 197.6,234 197.6,234 323.2,234 323.2,44 700,44 700,234",
        // 190 below and 28 apart; 25 requests are the height.
        "72,452 197.6,452 197.6,269.6 323.2,269.6 323.2,360.8 700,360.8 700,452",
      ],
    );
  });
});

describe("describeSteps", () => {
  it("names each change of the servers that are wanted", () => {
    assert.equal(describeSteps(SAMPLES), "0 s: 0, 2 s: 1, 10 s: 0");
  });
});
