import assert from "node:assert/strict";
import { imageDigestRequired } from "../../../policies/rules/image-digest-required.ts";
import { DEPLOYMENT, deployment, judge } from "../judge.ts";

const digest = "0123456789abcdef".repeat(4);

describe("image-digest-required", () => {
  for (const image of [`nginx@sha256:${digest}`, `127.0.0.1:5000/a/b:v1@sha256:${digest}`]) {
    it(`accepts ${image.slice(0, 40)}`, async () => {
      assert.deepEqual(await judge(imageDigestRequired, DEPLOYMENT, deployment({ image })), { violations: [] });
    });
  }

  for (const image of [
    "nginx",
    "nginx:1.27",
    "127.0.0.1:5000/app:latest",
    `nginx@sha256:${digest.slice(1)}`,
    `nginx@sha256:${digest}0`,
    `nginx@sha256:${digest.toUpperCase()}`,
    `nginx@md5:${digest}`,
    "",
  ]) {
    it(`refuses ${JSON.stringify(image)} and names it`, async () => {
      const { violations } = await judge(imageDigestRequired, DEPLOYMENT, deployment({ image }));
      assert.equal(violations.length, 1);
      assert.ok(violations[0]!.includes(`has the image ${JSON.stringify(image)} without a digest`));
    });
  }

  it("refuses a container without an image", async () => {
    const { violations } = await judge(imageDigestRequired, DEPLOYMENT, deployment({ image: undefined }));
    assert.match(violations.join(), /names no image/);
  });
});
