import assert from "node:assert/strict";
import type { RunRecord } from "../../components/lifecycle/types.ts";
import { renderGantt } from "../../scripts/bench/gantt.ts";
import { parseElapsed, renderTimeline, type Seen, timelineOf } from "../../scripts/bench/timeline.ts";
import { formatElapsed } from "../../scripts/lib/report.ts";

const BEGAN = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number) => BEGAN + seconds * 1000;

function record(kind: string, run: string, done: number, seconds: number, more: object = {}): RunRecord {
  const completedAt = new Date(at(done)).toISOString();
  return { kind, run, model: "mail", completedAt, seconds, ...more } as unknown as RunRecord;
}

const SEEN: Seen = {
  began: BEGAN,
  ended: at(100),
  lines: [
    { at: at(5), text: "✓ kubelet 0.6s" },
    { at: at(6), text: "… pulumi up, round 1: mail dataset" },
    { at: at(15), text: "  create Image 127.0.0.1:5000/millwright/trainer:1" },
    { at: at(12), text: "  create Image 127.0.0.1:5000/millwright/server:1" },
    { at: at(25), text: "✓ pulumi up, round 1: mail dataset 20s" },
    { at: at(50), text: "✓ pulumi up, round 2: mail training 5.5s" },
  ],
  jobs: new Map([
    ["mail-dataset-1", at(20)],
    ["mail-compression-1", at(60)],
    ["mail-rollout-1", at(80)],
  ]),
  records: [
    record("rollout", "mail-rollout-1", 95, 10, { weight: 100, verdict: "promote", candidate: "mail-compression-1" }),
    record("dataset", "mail-dataset-1", 30, 4),
    record("compression", "mail-compression-1", 70, 20, { candidate: "int8" }),
    record("trigger", "mail-trigger-1", 99, 0),
  ],
  models: ["mail", "other"],
};

describe("timelineOf", () => {
  it("tells from when to when everything was done, in seconds since the command", () => {
    const timeline = timelineOf(SEEN);
    assert.deepEqual(timeline.start, { from: 0, to: 5 });
    assert.deepEqual(timeline.images, { from: 5, to: 15 });
    assert.equal(timelineOf({ ...SEEN, lines: SEEN.lines.filter(({ text }) => !/Image/.test(text)) }).images, null);
    assert.deepEqual(timeline.rounds, [
      { from: 5, to: 25 },
      { from: 44.5, to: 50 },
    ]);
    assert.equal(timeline.seconds, 100);
    assert.deepEqual(timeline.models, [
      {
        name: "mail",
        stableAt: 95,
        runs: [
          { kind: "dataset", label: "dataset", made: 20, from: 26, to: 30 },
          // A run that was longer than its Job was there, by the second that instants are rounded to, begins with it.
          { kind: "compression", label: "int8", made: 60, from: 60, to: 70 },
          { kind: "rollout", label: "canary, 100 %", made: 80, from: 85, to: 95 },
        ],
      },
      { name: "other", stableAt: null, runs: [] },
    ]);
  });

  it("refuses what it cannot place: a run whose Job was never seen, an up that never came to a round", () => {
    assert.throws(() => timelineOf({ ...SEEN, jobs: new Map() }), /the Job of mail-\S+ was never seen/);
    assert.throws(() => timelineOf({ ...SEEN, lines: [] }), /no round of pulumi up/);
  });
});

describe("parseElapsed", () => {
  it("reads what the report writes", () => {
    for (const seconds of [0, 0.4, 9.9, 12, 59, 60, 185, 3599, 3720]) {
      assert.equal(parseElapsed(formatElapsed(seconds * 1000)), seconds);
    }
    for (const text of ["", "12", "soon", "1s2m"]) assert.throws(() => parseElapsed(text), RangeError);
  });
});

describe("renderTimeline", () => {
  it("has a row a run, and when each model was stable", () => {
    const text = renderTimeline(timelineOf(SEEN));
    assert.match(text, /\| mail +\| +canary, 100 % \| +80 \| +5 \| +10 \| +95 \|/);
    assert.match(text, /\| mail +\| +\*\*stable\*\* \| +\| +\| +\| +95 \|/);
    assert.match(text, /\| other +\| +\*\*stable\*\* \| +\| +\| +\| +never \|/);
    assert.match(text, /2 rounds/);
    assert.match(text, /took 26 s together/);
  });
});

describe("renderGantt", () => {
  it("draws each run's wait pale and its work beside it, to scale", () => {
    const svg = renderGantt("a & b", timelineOf(SEEN));
    assert.ok(svg.includes("a &amp; b"));
    const bars = [
      ...svg.matchAll(/<rect class="bar" x="([\d.]+)" y="\d+" width="([\d.]+)"[^>]*?(fill-opacity)?[^>]*?\/>/g),
    ];
    assert.equal(bars.length, 1 + 1 + 2 + 3 * 2);
    // 100 seconds are 504 wide, from 168 on.
    const dataset = bars.slice(4, 6).map(([, x, width]) => [Number(x), Number(width)]);
    assert.deepEqual(dataset, [
      [268.8, 30.24],
      [299.04, 20.16],
    ]);
    assert.equal((svg.match(/class="bar"[^>]*fill-opacity="0.3"/g) ?? []).length, 3);
    assert.match(svg, /mail: stable after 95 s/);
    assert.doesNotMatch(svg, /NaN|undefined|null/);
  });
});
