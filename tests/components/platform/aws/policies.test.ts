import assert from "node:assert/strict";
import { CLUSTER_AUTOSCALER } from "../../../../components/platform/aws/defaults.ts";
import { policyDocument, trustPods } from "../../../../components/platform/aws/identity/document.ts";
import {
  clusterAutoscalerPolicy,
  karpenterPolicy,
  servingPolicy,
  trackingPolicy,
  trainingPolicy,
} from "../../../../components/platform/aws/identity/policies.ts";
import { awsName } from "../../../../components/platform/aws/names.ts";
import { declarePlatform, FULL_SPEC, SMALL_SPEC } from "./fixtures.ts";
import { type Policy, policiesOf, type ReadStatement } from "./iam.ts";
import { ACCOUNT } from "./mocks.ts";

const context = { stack: "production", accountId: ACCOUNT, region: "us-east-2" };
const AUTOSCALED = { clusterAutoscaler: CLUSTER_AUTOSCALER };
const KEY = `arn:aws:kms:us-east-2:${ACCOUNT}:key/1`;

/**
 * Actions that take no resource but `*` (Service Authorization Reference): lists and descriptions of Auto Scaling, EC2, FSx and
 * IAM, and prices. All but the last two have a condition on the region.
 */
const WITHOUT_RESOURCE =
  /^(autoscaling:Describe\w+|ec2:Describe\w+|fsx:Describe\w+|iam:ListInstanceProfiles|pricing:GetProducts)$/;

/** Not proven: that the actions are AWS's (policies.service.test.ts), and what AWS makes of them. */
describe("policies of the platform on AWS", () => {
  let policies: readonly Policy[];
  before(async () => {
    const [full, small] = [await declarePlatform(FULL_SPEC, AUTOSCALED), await declarePlatform(SMALL_SPEC)];
    policies = policiesOf([...full.registrations, ...small.registrations]);
  });
  const allowed = (kind: Policy["kind"]): [Policy, ReadStatement][] =>
    policies
      .filter((policy) => policy.kind === kind)
      .flatMap((policy) => policy.statements.map((statement): [Policy, ReadStatement] => [policy, statement]))
      .filter(([, { Effect }]) => Effect === "Allow");

  it("are found where they are", () => {
    assert.deepEqual(
      ["role", "trust", "resource"].map((kind) => policies.filter((policy) => policy.kind === kind).length),
      [13, 22, 13],
    );
  });

  it("allow no action with a wildcard, but for the account's own right to its keys", () => {
    const wild = [...allowed("role"), ...allowed("trust"), ...allowed("resource")].flatMap(
      ([policy, { Sid, Action }]) =>
        Action.filter((action) => action.includes("*")).map((action) => [policy.where, Sid, action]),
    );
    assert.deepEqual(
      [...new Set(wild.map(([where, sid, action]) => `${where!.split(" ")[0]} ${sid} ${action}`))],
      ["aws:kms/key:Key Account kms:*"],
    );
  });

  it("allow a role everything of a kind only where the service offers nothing narrower", () => {
    for (const [{ where }, { Sid, Action, Resource }] of allowed("role")) {
      assert.ok(Resource !== undefined && Resource.length > 0, `${where} ${Sid} has no resource`);
      if (Resource.includes("*")) {
        assert.deepEqual(
          Action.filter((action) => !WITHOUT_RESOURCE.test(action)),
          [],
          `${where} ${Sid} allows these of everything`,
        );
      }
    }
  });

  it("bind whatever changes machines, groups, profiles and file systems to the cluster's tags", () => {
    const changing = allowed("role").flatMap(([{ where }, statement]) =>
      statement.Action.some((action) =>
        /^(autoscaling:(Set|Terminate)|ec2:(Create|Delete|Run|Terminate)|fsx:(Create|Delete|Update|Tag)|iam:(Add|Create|Delete|Remove|Tag))/.test(
          action,
        ),
      )
        ? [{ where, ...statement }]
        : [],
    );
    assert.ok(changing.length >= 10);
    for (const { where, Sid, Condition, Resource } of changing) {
      const keys = Object.values(Condition ?? {}).flatMap((operator) => Object.keys(operator));
      const tagged = keys.some((key) => /^aws:(Request|Resource)Tag\//.test(key));
      // What machines are started from is the account's or AWS's own, and is only read.
      assert.ok(tagged || Sid === "StartFrom", `${where} ${Sid} is bound to no tag`);
      assert.ok(Sid !== "StartFrom" || Resource?.every((arn) => !/:(instance|volume|fleet)\//.test(arn)));
    }
  });

  it("let only pods of this cluster, and services for this account, take a role", () => {
    for (const [{ where }, { Principal, Condition }] of allowed("trust")) {
      const { Service } = Principal as { Service: string };
      const conditions = Condition?.["StringEquals"] ?? {};
      if (Service === "pods.eks.amazonaws.com") {
        assert.match(String(conditions["aws:RequestTag/eks-cluster-arn"]), /:cluster\/millwright-production$/, where);
      } else if (!["ec2.amazonaws.com", "eks.amazonaws.com"].includes(Service)) {
        assert.equal(conditions["aws:SourceAccount"], ACCOUNT, where);
      }
    }
  });

  it("name nobody else in what resources allow", () => {
    for (const [{ where }, { Sid, Principal, Condition }] of allowed("resource")) {
      const { AWS: account } = Principal as { AWS?: string };
      const keys = Object.values(Condition ?? {}).flatMap((operator) => Object.keys(operator));
      if (account === "*") {
        assert.ok(keys.includes("kms:CallerAccount") && keys.includes("aws:PrincipalArn"), `${where} ${Sid}`);
      } else if (account === undefined) {
        assert.ok(
          keys.some((key) => ["aws:SourceAccount", "kms:EncryptionContext:aws:logs:arn"].includes(key)),
          `${where} ${Sid} lets a service in for anybody`,
        );
      }
    }
  });

  it("deny whatever comes without TLS", () => {
    for (const policy of policies.filter(({ where }) => /bucketPolicy|queuePolicy/.test(where))) {
      const denied = policy.statements.find(({ Sid }) => Sid === "OnlyEncrypted");
      assert.deepEqual(denied?.Condition, { Bool: { "aws:SecureTransport": "false" } }, policy.where);
      assert.deepEqual([denied?.Effect, denied?.Principal], ["Deny", "*"]);
    }
  });

  it("are AWS's own for these alone, which AWS keeps with what needs them", async () => {
    const { registrations } = await declarePlatform();
    const attached = registrations
      .filter(({ type }) => type === "aws:iam/rolePolicyAttachment:RolePolicyAttachment")
      .map(({ inputs }) => String(inputs["policyArn"]).replace("arn:aws:iam::aws:policy/", ""));
    assert.deepEqual(attached.sort(), [
      "AmazonEC2ContainerRegistryPullOnly",
      "AmazonEKSClusterPolicy",
      "AmazonEKSWorkerNodePolicy",
      "AmazonEKS_CNI_Policy",
      "AmazonSSMManagedInstanceCore",
      "service-role/AmazonEBSCSIDriverPolicy",
      "service-role/AmazonRDSEnhancedMonitoringRole",
    ]);
  });

  it("fit into what IAM takes", () => {
    for (const { where, kind, text, statements } of policies) {
      // Of a role all inline policies together, in characters without white space; each role here has one.
      const limit = { role: 10_240, trust: 2048, resource: 20_480 }[kind];
      assert.ok(text.length <= limit, `${where} has ${text.length} of ${limit}`);
      const sids = statements.map(({ Sid }) => Sid);
      assert.equal(new Set(sids).size, sids.length, where);
      for (const sid of sids) assert.match(sid, /^[A-Za-z0-9]+$/);
    }
  });

  it("let the Cluster Autoscaler change this cluster's groups and no others, and only look beside", () => {
    const statements = clusterAutoscalerPolicy(context);
    const changing = statements.filter(({ actions }) => actions.some((action) => !/:Describe\w+$/.test(action)));
    assert.deepEqual(changing, [
      {
        sid: "Resize",
        actions: ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
        resources: [`arn:aws:autoscaling:us-east-2:${ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/eks-*`],
        conditions: {
          StringEquals: { "aws:ResourceTag/k8s.io/cluster-autoscaler/millwright-production": "owned" },
        },
      },
    ]);
    const nodeGroups = statements.find(({ actions }) => actions.includes("eks:DescribeNodegroup"));
    assert.deepEqual(nodeGroups?.resources, [`arn:aws:eks:us-east-2:${ACCOUNT}:nodegroup/millwright-production/*/*`]);
  });

  it("let those who start machines use the key of their volumes, through EC2 alone", () => {
    const key = policies.find(({ where }) => /kms\/key:Key .*-data$/.test(where));
    const statements = key?.statements.filter(({ Sid }) => Sid.startsWith("Volume")) ?? [];
    const roles = [
      "aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling",
      "aws-service-role/ec2fleet.amazonaws.com/AWSServiceRoleForEC2Fleet",
      "aws-service-role/spot.amazonaws.com/AWSServiceRoleForEC2Spot",
      "millwright-production-karpenter",
    ].map((role) => `arn:aws:iam::${ACCOUNT}:role/${role}`);
    const who = {
      StringEquals: { "kms:CallerAccount": ACCOUNT, "kms:ViaService": "ec2.us-east-2.amazonaws.com" },
      ArnEquals: { "aws:PrincipalArn": roles },
    };
    assert.deepEqual(
      statements.map(({ Sid, Condition }) => [Sid, Condition]),
      [
        ["Volumes", who],
        ["VolumeGrants", { ...who, Bool: { "kms:GrantIsForAWSResource": "true" } }],
      ],
    );
    const granting = key?.statements.filter(({ Action }) => Action.includes("kms:CreateGrant"));
    assert.deepEqual(
      granting?.map(({ Sid }) => Sid),
      ["VolumeGrants"],
      "nobody else passes the key on",
    );
  });

  it("of Karpenter fit at the longest name of a stack", () => {
    const long = { ...context, stack: "s".repeat(32), region: "ap-southeast-2" };
    const size = policyDocument(
      karpenterPolicy(long, { queueArn: `arn:aws:sqs:x:y:${awsName("queue", long.stack)}` }),
    ).length;
    assert.ok(size <= 10_240, `${size} characters`);
  });

  describe("of workloads", () => {
    const own = `/\${aws:PrincipalTag/kubernetes-namespace}/*`;
    const objects = (statements: readonly { sid: string; resources?: readonly string[] }[]) =>
      Object.fromEntries(
        statements.flatMap(({ sid, resources = [] }) =>
          sid.endsWith("Objects")
            ? [[sid, resources.map((arn) => arn.replace(/^arn:aws:s3:::millwright-production-/, ""))]]
            : [],
        ),
      );

    it("open a team's own folders, and the published models to servers", () => {
      assert.deepEqual(objects(trainingPolicy(context, KEY)), {
        DatasetsObjects: [`datasets-${ACCOUNT}${own}`],
        CheckpointsObjects: [`checkpoints-${ACCOUNT}${own}`],
        ArtifactsObjects: [`artifacts-${ACCOUNT}${own}`],
      });
      assert.deepEqual(objects(trackingPolicy(context, KEY)), { ArtifactsObjects: [`artifacts-${ACCOUNT}${own}`] });
      assert.deepEqual(objects(servingPolicy(context, KEY)), {
        ArtifactsObjects: [`artifacts-${ACCOUNT}${own}`, `artifacts-${ACCOUNT}/models/*`],
      });
    });

    it("let a server write nothing, and a training not change its data", () => {
      const actions = (statements: readonly { sid: string; actions: readonly string[] }[], sid: RegExp) =>
        statements.flatMap((each) => (sid.test(each.sid) ? each.actions : []));
      assert.deepEqual(actions(servingPolicy(context, KEY), /./).sort(), [
        "kms:Decrypt",
        "s3:GetObject",
        "s3:ListBucket",
      ]);
      assert.deepEqual(actions(trainingPolicy(context, KEY), /^Datasets/), ["s3:ListBucket", "s3:GetObject"]);
    });

    it("use the key through S3 alone", () => {
      for (const statement of [trainingPolicy, trackingPolicy, servingPolicy].flatMap((of) => of(context, KEY))) {
        if (statement.actions.some((action) => action.startsWith("kms:"))) {
          assert.deepEqual(statement.conditions, { StringEquals: { "kms:ViaService": "s3.us-east-2.amazonaws.com" } });
        }
      }
    });
  });

  it("are text that is the same for the same statements", () => {
    const one = policyDocument([{ sid: "A", actions: ["s3:GetObject"], resources: ["x"] }]);
    assert.equal(
      one,
      '{"Statement":[{"Action":["s3:GetObject"],"Effect":"Allow","Resource":["x"],"Sid":"A"}],"Version":"2012-10-17"}',
    );
    assert.match(trustPods("arn:x", "team"), /"aws:RequestTag\/kubernetes-namespace":"team"/);
  });
});
