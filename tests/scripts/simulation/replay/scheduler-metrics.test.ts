import assert from "node:assert/strict";
import { isIdle, readSchedulerMetrics } from "../../../../scripts/simulation/replay/scheduler-metrics.ts";

const PAGE = `# HELP scheduler_pending_pods [STABLE] Number of pending pods
# TYPE scheduler_pending_pods gauge
scheduler_pending_pods{queue="active"} 0
scheduler_pending_pods{queue="backoff"} 0
scheduler_pending_pods{queue="gated"} 0
scheduler_pending_pods{queue="unschedulable"} 3
scheduler_event_handling_duration_seconds_bucket{event="AssignedPodDelete",le="0.0001"} 4
scheduler_event_handling_duration_seconds_count{event="AssignedPodDelete"} 5
scheduler_event_handling_duration_seconds_count{event="UnschedulablePodAdd"} 9
scheduler_scheduling_attempt_duration_seconds_sum{profile="default-scheduler",result="scheduled"} 0.5
scheduler_scheduling_attempt_duration_seconds_count{profile="default-scheduler",result="scheduled"} 100
scheduler_scheduling_attempt_duration_seconds_sum{profile="default-scheduler",result="unschedulable"} 1.5e-1
scheduler_scheduling_attempt_duration_seconds_count{profile="default-scheduler",result="unschedulable"} 30
`;

describe("the scheduler's metrics", () => {
  const metrics = readSchedulerMetrics(PAGE);

  it("are read by queue, by event and over all results", () => {
    assert.deepEqual(metrics, {
      pending: { active: 0, backoff: 0, gated: 0, unschedulable: 3 },
      handled: { AssignedPodDelete: 5, UnschedulablePodAdd: 9 },
      attempts: 130,
      attemptSeconds: 0.65,
    });
    assert.deepEqual(readSchedulerMetrics(""), { pending: {}, handled: {}, attempts: 0, attemptSeconds: 0 });
  });

  const expected = { added: 9, removed: 5, waiting: 3 };
  const cases: readonly (readonly [what: string, page: string, idle: boolean])[] = [
    ["nothing is left to do", PAGE, true],
    ["a pod has not been seen", PAGE.replace('Add"} 9', 'Add"} 8'), false],
    ["room that was freed has not been seen", PAGE.replace('Delete"} 5', 'Delete"} 4'), false],
    ["a pod waits to be tried", PAGE.replace('active"} 0', 'active"} 1'), false],
    ["a pod waits to be tried again", PAGE.replace('backoff"} 0', 'backoff"} 1'), false],
    ["a pod is being tried", PAGE.replace('unschedulable"} 3', 'unschedulable"} 2'), false],
  ];
  for (const [what, page, idle] of cases) {
    it(`say ${idle ? "idle" : "busy"} where ${what}`, () =>
      assert.equal(isIdle(readSchedulerMetrics(page), expected), idle));
  }
});
