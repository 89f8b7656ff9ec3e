// How many replicas the requests call for, evaluated by Prometheus' own promtool on made-up series of vLLM's metrics. Not proven:
// that vLLM tells these series, and what KEDA and the HorizontalPodAutoscaler make of the number.
import assert from "node:assert/strict";
import { stringify } from "yaml";
import { demandQuery } from "../../../../components/serving/language/scaled-object.ts";
import { promtool, ruleTest, type Series, skipWithoutPromtool } from "../../monitoring/promtool.ts";
import { endpointOf, SMALL } from "./fixtures.ts";

const endpoint = endpointOf({ ...SMALL, scaling: { kind: "auto", max: 8, waitingRequests: 5 } });
const { scaling } = endpoint;
assert.ok(scaling.kind === "auto");
const QUERY = demandQuery({ ...endpoint, scaling }, { namespace: "models" });

/** What each replica tells: requests that run, and that wait. */
function replicas(told: readonly (readonly [running: number, waiting: number])[], labels = {}): Series[] {
  return told.flatMap(([running, waiting], index) => {
    const own = Object.entries({
      namespace: "models",
      model_name: "chat",
      ...labels,
      engine: "0",
      instance: `pod-${index}`,
    })
      .map(([name, value]) => `${name}="${value}"`)
      .join(",");
    return [
      { series: `vllm:num_requests_running{${own}}`, values: `${running}x4` },
      { series: `vllm:num_requests_waiting{${own}}`, values: `${waiting}x4` },
    ];
  });
}

function evaluates(series: readonly Series[], expected: number | undefined): void {
  const samples = expected === undefined ? [] : [{ labels: "{}", value: expected }];
  const test = ruleTest(15, series, [{ expr: QUERY, at: "30s", samples }]);
  const { ok, output } = promtool(
    { "rules.yml": stringify({ groups: [] }), "test.yml": test },
    "test",
    "rules",
    "test.yml",
  );
  assert.ok(ok, output);
}

describe("demand for replicas of 16 sequences, one more for 5 that wait", function () {
  this.timeout(120_000);
  before(function () {
    skipWithoutPromtool(this);
  });

  for (const [what, told, expected] of [
    ["a quarter of one where four requests run", [[4, 0]], 0.25],
    [
      "as many as are busy where nobody waits",
      [
        [16, 0],
        [16, 0],
      ],
      2,
    ],
    [
      "one more for five that wait",
      [
        [16, 3],
        [16, 2],
      ],
      3,
    ],
    [
      "no more than twice what answers, however many wait",
      [
        [16, 200],
        [16, 100],
      ],
      4,
    ],
    [
      "fewer as soon as what runs fits into fewer",
      [
        [2, 0],
        [2, 0],
        [4, 0],
      ],
      0.5,
    ],
  ] satisfies [string, [number, number][], number][]) {
    it(`is ${what}`, () => evaluates(replicas(told), expected));
  }

  it("is nothing at all where nobody tells anything, which KEDA takes for a failure", () => evaluates([], undefined));

  it("counts no other endpoint, and no other namespace's of the same name", () => {
    const others = [
      ...replicas([[16, 50]], { model_name: "other" }),
      ...replicas([[16, 50]], { namespace: "elsewhere" }),
    ];
    evaluates([...replicas([[8, 0]]), ...others], 0.5);
  });
});
