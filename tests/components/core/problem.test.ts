import assert from "node:assert/strict";
import { distinctProblems, formatPath, formatProblems } from "../../../components/core/problem.ts";

describe("problems", () => {
  it("are listed in the order of their paths with line and value", () => {
    const text = formatProblems([
      { path: "models[10].name", message: "must be short.", value: "x" },
      { path: "models[2].name", message: "is required.", line: 7 },
      { path: "", message: "is empty." },
    ]);
    assert.deepEqual(text.split("\n"), [
      "  (root): is empty.",
      "  models[2].name (line 7): is required.",
      '  models[10].name: must be short. (found "x")',
    ]);
  });

  it("show numbers JSON has no text for, and shorten long values", () => {
    assert.match(formatProblems([{ path: "a", message: "m", value: Number.NaN }]), /found NaN/);
    assert.ok(formatProblems([{ path: "a", message: "m", value: "x".repeat(5000) }]).length < 200);
  });

  it("said twice are said once", () => {
    const problem = { path: "a", message: "m", value: 1 };
    const other = { ...problem, path: "b" };
    assert.deepEqual(distinctProblems([problem, { ...problem, value: 2 }, other]), [problem, other]);
  });

  it("have paths as users write them", () => {
    assert.equal(formatPath(["models", 0, "training", "workers"]), "models[0].training.workers");
    assert.equal(formatPath([]), "");
  });
});
