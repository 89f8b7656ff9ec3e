import assert from "node:assert/strict";
import { WorkloadImage } from "../../../components/platform/image/component.ts";
import { renderImage } from "../../../components/platform/image/render.ts";
import { validateImage } from "../../../components/platform/image/validate.ts";
import { DIGEST, declare, refusal, resolved } from "../engine.ts";

const args = {
  image: "trainer",
  registry: "registry.example:5000/team",
  context: "workloads/trainer",
  dockerfile: "workloads/trainer/Dockerfile",
  buildArgs: { BASE_IMAGE: "base:1" },
  contentHash: "0123456789abcdef".repeat(4),
};

describe("workload image", () => {
  it("is tagged by its content", () => {
    assert.deepEqual(renderImage(args), {
      imageName: "registry.example:5000/team/trainer:0123456789ab",
      build: {
        context: "workloads/trainer",
        dockerfile: "workloads/trainer/Dockerfile",
        args: { BASE_IMAGE: "base:1" },
        builderVersion: "BuilderV1",
      },
    });
  });

  it("is referred to by its digest", async () => {
    const { result } = await declare(() => new WorkloadImage("trainer", args));
    assert.equal(await resolved(result.reference), `registry.example:5000/team/trainer@sha256:${DIGEST}`);
  });

  it("refuses what would differ on another machine, and a hash that is none", async () => {
    const wrong = { ...args, context: "/srv/clone/workloads", contentHash: "v1" };
    assert.deepEqual(
      validateImage(wrong).map(({ path, value }) => [path, value]),
      [
        ["contentHash", "v1"],
        ["context", "/srv/clone/workloads"],
      ],
    );
    const error = await refusal(() => new WorkloadImage("trainer", wrong));
    assert.match(error.message, /The image trainer cannot be made/);
  });
});
