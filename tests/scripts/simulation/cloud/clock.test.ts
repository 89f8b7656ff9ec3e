import assert from "node:assert/strict";
import { SimulatedClock } from "../../../../scripts/simulation/cloud/clock.ts";
import { parseFacts } from "../../../../scripts/simulation/cloud/facts.ts";

describe("the simulated clock", () => {
  it("goes on from where it was, so many seconds a second", () => {
    let wall = 5000;
    const clock = new SimulatedClock(100, 60, () => wall);
    assert.equal(clock.seconds, 100);
    wall += 2500;
    assert.equal(clock.seconds, 250);
  });

  it("says how long something has run since a moment of the wall", () => {
    const clock = new SimulatedClock(0, 40);
    const then = new Date("2026-11-25T00:00:00Z");
    assert.equal(clock.sinceWall(then, new Date("2026-11-25T00:00:03Z")), 120);
    assert.equal(clock.sinceWall(then, new Date("2026-11-24T00:00:00Z")), 0);
  });
});

describe("facts", () => {
  it("are none before there are any, and what the ConfigMap says then", () => {
    assert.equal(parseFacts(undefined).failures, 0);
    const facts = parseFacts({ data: { facts: '{"seconds": 12.5, "failures": 3}' } });
    assert.deepEqual([facts.seconds, facts.failures, facts.reclaims], [12.5, 3, 0]);
    assert.throws(() => parseFacts({ data: { facts: '{"failures": -1}' } }));
  });
});
