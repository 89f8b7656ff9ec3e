import assert from "node:assert/strict";
import { NO_CHANGES } from "../../../scripts/converge/changes.ts";
import { engineFailure } from "../../../scripts/converge/engine.ts";

// What it does not prove: that the engine says what is quoted here (tests/conformance/loop races two runs).

describe("what a user reads of a run that failed", () => {
  it("is who holds the stack, where another run does", () => {
    const said = [
      "the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with `pulumi cancel`.",
      "  file:///state/.pulumi/locks/organization/shop/dev/1.json: created by root@host (pid 42) at 2026-12-01T07:00:00Z",
    ].join("\n");
    const failure = engineFailure({ ...NO_CHANGES, errors: [said] }, new Error("pulumi up ended with 255"));
    assert.equal(
      failure.message,
      "Another run has the stack: its lock was made by root@host (pid 42) at 2026-12-01T07:00:00Z",
    );
    assert.match(failure.remedy, /pulumi cancel/);
  });

  it("is the engine's own reasons, or how it ended where it gave none", () => {
    const failure = engineFailure({ ...NO_CHANGES, errors: ["update failed", "no such host"] }, new Error("x"));
    assert.match(failure.message, /^The run of the engine failed:\n {2}no such host$/);
    assert.match(engineFailure(NO_CHANGES, new Error("pulumi up was ended by SIGKILL")).message, /ended by SIGKILL/);
  });

  it("is the policies first, since they are the user's own rules", () => {
    const failure = engineFailure(
      { ...NO_CHANGES, violations: ["image, web: no digest"], errors: ["x"] },
      new Error("x"),
    );
    assert.match(failure.message, /^1 policy violation\(s\) stopped the run before the objects were made:\n {2}image/);
  });
});
