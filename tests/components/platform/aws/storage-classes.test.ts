import assert from "node:assert/strict";
import { lustreDriverPolicy } from "../../../../components/platform/aws/identity/policies.ts";
import { AwsStorageClasses } from "../../../../components/platform/aws/storage-classes/component.ts";
import { renderBlockClass, renderLustreClass } from "../../../../components/platform/aws/storage-classes/render.ts";
import { countByType, declare, resolved } from "../../engine.ts";
import { declarePlatform, SMALL_SPEC } from "./fixtures.ts";
import { ACCOUNT } from "./mocks.ts";

const lustre = {
  stack: "production",
  throughputPerTiB: 250,
  subnetId: "subnet-1",
  securityGroupId: "sg-1",
  key: "arn:key",
};

describe("classes of volumes on AWS", () => {
  it("are one for blocks, and one for files where the platform has Lustre", async () => {
    const all = await declare(() => new AwsStorageClasses("classes", { lustre }));
    assert.equal(countByType(all.registrations)["kubernetes:storage.k8s.io/v1:StorageClass"], 2);
    const one = await declare(() => new AwsStorageClasses("classes", {}));
    assert.equal(countByType(one.registrations)["kubernetes:storage.k8s.io/v1:StorageClass"], 1);
  });

  it("encrypt what they make, and bind blocks where the pod is", () => {
    const block = renderBlockClass();
    assert.deepEqual(block.parameters, { type: "gp3", encrypted: "true" });
    assert.equal(block.volumeBindingMode, "WaitForFirstConsumer");
    assert.equal(renderLustreClass(lustre).parameters.kmsKeyId, "arn:key");
  });

  it("tag a file system as the driver's policy wants it tagged", () => {
    const { Statement } = JSON.parse(
      lustreDriverPolicy({ stack: "production", accountId: ACCOUNT, region: "us-east-2" }),
    ) as { Statement: { Sid: string; Condition: { StringEquals: Record<string, string> } }[] };
    const tags = Object.fromEntries(
      renderLustreClass(lustre)
        .parameters.extraTags.split(",")
        .map((tag) => tag.split("=") as [string, string]),
    );
    for (const [sid, prefix] of [
      ["Create", "aws:RequestTag/"],
      ["Remove", "aws:ResourceTag/"],
    ] as const) {
      const wanted = Object.entries(Statement.find((each) => each.Sid === sid)?.Condition.StringEquals ?? {});
      assert.equal(wanted.length, 1);
      for (const [key, value] of wanted) assert.equal(tags[key.replace(prefix, "")], value, sid);
    }
  });

  it("take what the platform made", async () => {
    const { result } = await declarePlatform();
    assert.ok(result.lustreClass);
    assert.equal(result.lustreClass.throughputPerTiB, 250);
    const [subnet] = Object.values(result.poolCluster.subnets);
    assert.equal(await resolved(result.lustreClass.subnetId as never), await resolved(subnet as never));
    assert.equal((await declarePlatform(SMALL_SPEC)).result.lustreClass, undefined);
  });
});
