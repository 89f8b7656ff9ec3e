import assert from "node:assert/strict";
import { output } from "@pulumi/pulumi";
import { parse } from "yaml";
import { AwsPlatform } from "../../../../components/platform/aws/component.ts";
import { CLUSTER_AUTOSCALER } from "../../../../components/platform/aws/defaults.ts";
import { renderKubeconfig } from "../../../../components/platform/aws/kubeconfig.ts";
import { providerArgs } from "../../../../components/platform/aws/provider.ts";
import { countByType, find, type Registration, refusal, resolved } from "../../engine.ts";
import { declarePlatform, FULL_SPEC, SMALL_SPEC } from "./fixtures.ts";
import { ACCOUNT } from "./mocks.ts";
import { declareStack, scaledStack, shipped } from "./stacks.ts";

type Inputs = Record<string, unknown>;

/** `aws:ec2/subnet:Subnet` is `Subnet`; types of other packages in full. */
function awsCounts(registrations: readonly Registration[]): Record<string, number> {
  const counts = countByType(registrations.filter(({ custom }) => custom));
  return Object.fromEntries(
    Object.entries(counts)
      .map(([type, count]) => [type.startsWith("aws:") ? type.slice(type.lastIndexOf(":") + 1) : type, count] as const)
      .sort(),
  );
}

/** What every platform has, whatever its stack says. */
const ALWAYS = {
  AccessEntry: 1,
  Addon: 7,
  Alias: 2,
  Bucket: 3,
  BucketLifecycleConfiguration: 3,
  BucketOwnershipControls: 3,
  BucketPolicy: 3,
  BucketPublicAccessBlock: 3,
  BucketServerSideEncryptionConfiguration: 3,
  BucketVersioning: 3,
  Cluster: 1,
  DefaultSecurityGroup: 1,
  EventRule: 5,
  EventTarget: 5,
  FlowLog: 1,
  InternetGateway: 1,
  Key: 2,
  LaunchTemplate: 1,
  LifecyclePolicy: 8,
  LogGroup: 2,
  NodeGroup: 1,
  PodIdentityAssociation: 1,
  Queue: 1,
  QueuePolicy: 1,
  Repository: 8,
  Role: 9,
  RolePolicy: 5,
  RolePolicyAttachment: 6,
  SecurityGroup: 2,
  SecurityGroupEgressRule: 2,
  SecurityGroupIngressRule: 2,
  Vpc: 1,
};

/** What each zone has: subnets, their tables, and a way out where each zone has its own. */
const zones = (count: number, gateways: number) => ({
  Eip: gateways,
  NatGateway: gateways,
  Route: 1 + count,
  RouteTable: 1 + count,
  RouteTableAssociation: 2 * count,
  Subnet: 2 * count,
});

function sum(...parts: Record<string, number>[]): Record<string, number> {
  const all: Record<string, number> = {};
  for (const part of parts) {
    for (const [type, count] of Object.entries(part)) all[type] = (all[type] ?? 0) + count;
  }
  return Object.fromEntries(Object.entries(all).sort());
}

const LUSTRE = {
  Addon: 1,
  DataRepositoryAssociation: 1,
  LogGroup: 1,
  LustreFileSystem: 1,
  Role: 1,
  RolePolicy: 1,
  SecurityGroup: 1,
  SecurityGroupEgressRule: 4,
  SecurityGroupIngressRule: 4,
  VpcEndpoint: 1,
};
const DATABASE = {
  Instance: 1,
  LogGroup: 2,
  ParameterGroup: 1,
  Role: 1,
  RolePolicyAttachment: 1,
  SecurityGroup: 1,
  SecurityGroupIngressRule: 1,
  SubnetGroup: 1,
};
const METRICS = {
  AlertManagerDefinition: 1,
  LogGroup: 1,
  PodIdentityAssociation: 1,
  Role: 1,
  RolePolicy: 1,
  Scraper: 1,
  Topic: 1,
  TopicPolicy: 1,
  VpcEndpoint: 1,
  Workspace: 1,
};
const AUTOSCALER = { PodIdentityAssociation: 1, Role: 1, RolePolicy: 1 };
const ADMINISTRATOR = { AccessEntry: 1, AccessPolicyAssociation: 1 };
const ENDPOINTS = { VpcEndpoint: 11 };

/** Not proven: that AWS takes it (models.service.test.ts), nor what the provider does with it. */
describe("the platform on AWS", () => {
  it("is these resources and no others, by what the stack asks for", async () => {
    const [full, small] = [await declarePlatform(FULL_SPEC), await declarePlatform(SMALL_SPEC)];
    assert.deepEqual(awsCounts(small.registrations), sum(ALWAYS, zones(2, 1), ENDPOINTS));
    assert.deepEqual(
      awsCounts(full.registrations),
      sum(ALWAYS, zones(3, 3), ENDPOINTS, LUSTRE, DATABASE, METRICS, ADMINISTRATOR),
    );
  });

  it("ties the Cluster Autoscaler's account to its role", async () => {
    const { registrations } = await declarePlatform(SMALL_SPEC, { clusterAutoscaler: CLUSTER_AUTOSCALER });
    const { inputs } = find(
      registrations,
      "aws:eks/podIdentityAssociation:PodIdentityAssociation",
      "platform-identity-cluster-autoscaler",
    );
    assert.deepEqual([inputs["namespace"], inputs["serviceAccount"]], ["kube-system", "cluster-autoscaler"]);
    assert.match(String(inputs["roleArn"]), /:role\/millwright-production-cluster-autoscaler$/);
  });

  it("of the stacks that come with the program is these", async () => {
    const parts = (count: number, gateways: number) =>
      sum(ALWAYS, zones(count, gateways), ENDPOINTS, LUSTRE, DATABASE, METRICS, ADMINISTRATOR, {
        // Nodes, accelerators, queues, machines.
        RuleGroupNamespace: 4,
      });
    const karpenter = (pools: number) => ({
      "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": pools,
      "kubernetes:karpenter.sh/v1:NodePool": pools,
    });
    const production = await declareStack(await shipped("production"));
    assert.deepEqual(
      awsCounts(production.registrations),
      sum(parts(3, 3), karpenter(4), { LaunchTemplate: 1, NodeGroup: 1, PlacementGroup: 1 }),
    );
    const staging = await declareStack(await shipped("staging"));
    assert.deepEqual(awsCounts(staging.registrations), sum(parts(2, 1), karpenter(4), { PlacementGroup: 1 }));
  });

  it("has the Cluster Autoscaler's role where a pool is a node group whose size changes", async () => {
    const { registrations } = await declareStack(scaledStack());
    assert.deepEqual(
      awsCounts(registrations),
      sum(ALWAYS, zones(2, 1), ENDPOINTS, AUTOSCALER, { LaunchTemplate: 1, NodeGroup: 1, Tag: 5 }),
    );
    const alone = await declarePlatform(SMALL_SPEC, { clusterAutoscaler: CLUSTER_AUTOSCALER });
    assert.deepEqual(awsCounts(alone.registrations), sum(ALWAYS, zones(2, 1), ENDPOINTS, AUTOSCALER));
  });

  it("asks AWS nothing while it is planned", async () => {
    // A call of the provider fails the test: see engine.ts.
    const { result } = await declarePlatform();
    assert.equal(result.registry, `${ACCOUNT}.dkr.ecr.us-east-2.amazonaws.com/millwright-production`);
  });

  it("tags all that takes tags with its stack and part", async () => {
    const { registrations } = await declarePlatform();
    const untagged = registrations
      .filter(({ type, inputs }) => type.startsWith("aws:") && inputs["tags"] === undefined)
      .map(({ type }) => type.slice(type.lastIndexOf(":") + 1));
    assert.deepEqual(
      [...new Set(untagged)].sort(),
      [
        "AccessPolicyAssociation",
        "AlertManagerDefinition",
        "Alias",
        "BucketLifecycleConfiguration",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
        "EventTarget",
        "LifecyclePolicy",
        "QueuePolicy",
        "RolePolicy",
        "RolePolicyAttachment",
        "Route",
        "RouteTableAssociation",
        "TopicPolicy",
      ],
      "none of which takes any",
    );
    for (const { name, inputs } of registrations) {
      const tags = inputs["tags"] as Record<string, string> | undefined;
      if (tags !== undefined) {
        assert.equal(tags["millwright.dev/stack"], "production", name);
        assert.match(tags["millwright.dev/part"] ?? "", /^[a-z]+$/, name);
      }
    }
  });

  it("encrypts everything that is stored, with keys that turn and are not removed", async () => {
    const { registrations } = await declarePlatform();
    const keys = registrations.filter(({ type }) => type === "aws:kms/key:Key");
    for (const { inputs } of keys) {
      assert.deepEqual([inputs["enableKeyRotation"], inputs["deletionWindowInDays"]], [true, 30]);
    }
    const encrypted: Readonly<Record<string, (inputs: Inputs) => unknown>> = {
      "aws:amp/workspace:Workspace": (inputs) => inputs["kmsKeyArn"],
      "aws:cloudwatch/logGroup:LogGroup": (inputs) => inputs["kmsKeyId"],
      "aws:ec2/launchTemplate:LaunchTemplate": (inputs) => rootVolumeKey(inputs),
      "aws:ecr/repository:Repository": (inputs) => (inputs["encryptionConfigurations"] as Inputs[])[0]?.["kmsKey"],
      "aws:fsx/lustreFileSystem:LustreFileSystem": (inputs) => inputs["kmsKeyId"],
      "aws:rds/instance:Instance": (inputs) => inputs["storageEncrypted"] === true && inputs["kmsKeyId"],
      "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (inputs) =>
        ((inputs["rules"] as Inputs[])[0]!["applyServerSideEncryptionByDefault"] as Inputs)["kmsMasterKeyId"],
      "aws:sns/topic:Topic": (inputs) => inputs["kmsMasterKeyId"],
    };
    const rootVolumeKey = (inputs: Inputs) =>
      ((inputs["blockDeviceMappings"] as Inputs[])[0]!["ebs"] as Inputs)["kmsKeyId"];
    const used = new Set<unknown>();
    for (const [type, keyOf] of Object.entries(encrypted)) {
      const found = registrations.filter((each) => each.type === type);
      assert.ok(found.length > 0, type);
      for (const { inputs, name } of found) {
        assert.match(String(keyOf(inputs)), /^arn:aws:kms:us-east-2:111122223333:key\//, name);
        used.add(keyOf(inputs));
      }
    }
    assert.equal(used.size, 1);
    const cluster = find(registrations, "aws:eks/cluster:Cluster").inputs["encryptionConfig"] as Inputs;
    assert.ok(!used.has((cluster["provider"] as Inputs)["keyArn"]), "Secrets have a key of their own");
  });

  describe("its cluster", () => {
    const cluster = async (...args: Parameters<typeof declarePlatform>) =>
      find((await declarePlatform(...args)).registrations, "aws:eks/cluster:Cluster").inputs;

    it("is reached from inside, and from outside by whom the stack names", async () => {
      const access = async (spec: typeof FULL_SPEC) => {
        const { subnetIds: _, ...rest } = (await cluster(spec))["vpcConfig"] as Inputs;
        return rest;
      };
      assert.deepEqual(await access(SMALL_SPEC), { endpointPrivateAccess: true, endpointPublicAccess: false });
      assert.deepEqual(await access(FULL_SPEC), {
        endpointPrivateAccess: true,
        endpointPublicAccess: true,
        publicAccessCidrs: ["203.0.113.0/24"],
      });
    });

    it("writes every log, keeps access in entries, and is not removed by mistake", async () => {
      const inputs = await cluster();
      assert.deepEqual(inputs["enabledClusterLogTypes"], [
        "api",
        "audit",
        "authenticator",
        "controllerManager",
        "scheduler",
      ]);
      assert.deepEqual(inputs["accessConfig"], {
        authenticationMode: "API",
        bootstrapClusterCreatorAdminPermissions: true,
      });
      assert.equal(inputs["deletionProtection"], true);
      assert.equal(inputs["bootstrapSelfManagedAddons"], false);
      assert.deepEqual(inputs["kubernetesNetworkConfig"], { ipFamily: "ipv4", serviceIpv4Cidr: "172.20.0.0/16" });
    });

    it("packs pods by accelerators where that is asked for", async () => {
      assert.equal((await cluster())["kubeSchedulerConfig"], undefined);
      assert.deepEqual((await cluster(FULL_SPEC, { placement: "pack" }))["kubeSchedulerConfig"], {
        nodeResourcesFit: {
          scoringStrategy: {
            type: "MostAllocated",
            resources: [
              { name: "nvidia.com/gpu", weight: 100 },
              { name: "cpu", weight: 1 },
              { name: "memory", weight: 1 },
            ],
          },
        },
      });
    });

    it("has the network's add-ons before its nodes, and the others after", async () => {
      const { registrations } = await declarePlatform();
      const nodes = find(registrations, "aws:eks/nodeGroup:NodeGroup");
      const addons = registrations.filter(({ type }) => type === "aws:eks/addon:Addon");
      const before = addons
        .filter(({ name }) => nodes.dependencies.includes(name))
        .map(({ inputs }) => inputs["addonName"]);
      assert.deepEqual(before.sort(), ["eks-pod-identity-agent", "kube-proxy", "vpc-cni"]);
      const after = addons.filter(({ dependencies }) => dependencies.includes(nodes.name));
      assert.equal(after.length, addons.length - before.length);
      for (const { inputs } of addons) assert.match(String(inputs["addonVersion"]), /^v\d+\.\d+\.\d+-eksbuild\.\d+$/);
    });

    it("lets nodes talk to each other in both directions by rules that name their group, as EFA needs", async () => {
      const { registrations, result } = await declarePlatform();
      const among = registrations.filter(
        ({ type, inputs }) =>
          /SecurityGroup(In|E)gressRule$/.test(type) &&
          inputs["ipProtocol"] === "-1" &&
          inputs["securityGroupId"] === inputs["referencedSecurityGroupId"],
      );
      assert.deepEqual(among.map(({ type }) => type.slice(type.lastIndexOf(":") + 1)).sort(), [
        "SecurityGroupEgressRule",
        "SecurityGroupIngressRule",
      ]);
      const group = await resolved(result.nodes.cluster.nodeSecurityGroupId);
      assert.equal(among[0]?.inputs["securityGroupId"], group);
      const template = find(registrations, "aws:ec2/launchTemplate:LaunchTemplate").inputs;
      assert.ok((template["vpcSecurityGroupIds"] as string[]).includes(group));
      assert.deepEqual(template["metadataOptions"], {
        httpEndpoint: "enabled",
        httpTokens: "required",
        httpPutResponseHopLimit: 1,
      });
    });
  });

  it("keeps the database's password out of sight, and as it was", async () => {
    const { registrations } = await declarePlatform();
    const { inputs, ignoreChanges } = find(registrations, "aws:rds/instance:Instance");
    assert.deepEqual(ignoreChanges, ["password"]);
    assert.ok("4dabf18193072939515e22adb298388d" in (inputs["password"] as object), "marked as secret");
    assert.deepEqual(
      ["publiclyAccessible", "deletionProtection", "multiAz", "skipFinalSnapshot"].map((key) => inputs[key]),
      [false, true, true, false],
    );
    const parameters = find(registrations, "aws:rds/parameterGroup:ParameterGroup").inputs["parameters"] as Inputs[];
    assert.equal(parameters.find(({ name }) => name === "rds.force_ssl")?.["value"], "1");
  });

  it("gives rules and receivers to managed metrics as text that is YAML", async () => {
    const rules = { "mail-triage.rules": "groups: []\n" };
    const { registrations } = await declarePlatform(FULL_SPEC, { rules });
    const group = find(registrations, "aws:amp/ruleGroupNamespace:RuleGroupNamespace").inputs;
    assert.deepEqual([group["name"], group["data"]], ["mail-triage.rules", "groups: []\n"]);
    const alerts = find(registrations, "aws:amp/alertManagerDefinition:AlertManagerDefinition").inputs["definition"];
    const config = parse((parse(String(alerts)) as { alertmanager_config: string }).alertmanager_config) as {
      route: { receiver: string; routes: { receiver: string; matchers: string[] }[] };
      receivers: { name: string; sns_configs?: { topic_arn: string }[] }[];
    };
    assert.equal(config.route.receiver, "nobody");
    assert.deepEqual(config.route.routes, [{ receiver: "topic", matchers: ['severity =~ "critical|warning"'] }]);
    const topic = config.receivers.find(({ name }) => name === "topic")?.sns_configs?.[0]?.topic_arn;
    assert.equal(topic, `arn:aws:sns:us-east-2:${ACCOUNT}:millwright-production-alerts`);
    const scraping = find(registrations, "aws:amp/scraper:Scraper").inputs["scrapeConfiguration"];
    const { scrape_configs: jobs } = parse(String(scraping)) as { scrape_configs: { job_name: string }[] };
    assert.deepEqual(
      jobs.map(({ job_name }) => job_name),
      ["kubelet", "cadvisor", "kube-state-metrics", "nvidia-dcgm-exporter", "karpenter", "kueue", "pods"],
    );
  });

  it("finds the add-ons that rules are about by their charts' labels and ports", async () => {
    const { registrations } = await declarePlatform();
    const scraping = find(registrations, "aws:amp/scraper:Scraper").inputs["scrapeConfiguration"];
    type Relabel = { action?: string; regex?: string; source_labels: string[]; target_label?: string };
    const { scrape_configs: jobs } = parse(String(scraping)) as {
      scrape_configs: { job_name: string; honor_labels?: boolean; scheme?: string; relabel_configs: Relabel[] }[];
    };
    const pods = [
      ["kube-system", { app_kubernetes_io_name: "kube-state-metrics" }, 8080, "kube-state-metrics"],
      ["kube-system", { app_kubernetes_io_name: "kube-state-metrics" }, 8081, undefined],
      ["monitoring", { app_kubernetes_io_name: "kube-state-metrics" }, 8080, undefined],
      ["gpu-operator", { app: "nvidia-dcgm-exporter" }, 9400, "nvidia-dcgm-exporter"],
      ["kube-system", { app_kubernetes_io_name: "karpenter" }, 8080, "karpenter"],
      ["kube-system", { app_kubernetes_io_name: "karpenter" }, 8081, undefined],
      ["kueue-system", { app_kubernetes_io_name: "kueue" }, 8443, "kueue"],
      ["kueue-system", { app_kubernetes_io_name: "kueue" }, 9443, undefined],
    ] as const;
    for (const [namespace, labels, port, expected] of pods) {
      const meta: Record<string, string> = {
        __meta_kubernetes_namespace: namespace,
        __meta_kubernetes_pod_container_port_number: String(port),
        ...Object.fromEntries(
          Object.entries(labels).map(([key, value]) => [`__meta_kubernetes_pod_label_${key}`, value]),
        ),
      };
      const kept = jobs.filter(({ relabel_configs }) =>
        relabel_configs.some(
          ({ action, regex, source_labels }) =>
            action === "keep" &&
            new RegExp(`^(?:${regex})$`).test(source_labels.map((label) => meta[label] ?? "").join(";")),
        ),
      );
      assert.deepEqual(
        kept.map(({ job_name }) => job_name),
        expected === undefined ? [] : [expected],
        `${namespace} ${port}`,
      );
    }
    const job = (name: string) => jobs.find(({ job_name }) => job_name === name)!;
    assert.equal(job("kube-state-metrics").honor_labels, true, "its series say which node they are of");
    assert.equal(job("kueue").scheme, "https");
    const targets = job("nvidia-dcgm-exporter").relabel_configs.flatMap(({ target_label }) => target_label ?? []);
    assert.deepEqual(
      targets,
      ["namespace", "pod", "node"],
      "so that the exporter's own are exported_namespace and exported_pod",
    );
    assert.equal(job("nvidia-dcgm-exporter").honor_labels, undefined);
  });

  it("tells pools what they need, and stacks of models what they read", async () => {
    const { result } = await declarePlatform();
    assert.deepEqual(Object.keys(result.poolCluster.subnets), FULL_SPEC.zones);
    assert.equal(result.poolCluster.securityGroupIds.length, 2);
    assert.equal(
      await resolved(output(result.poolCluster.volumeKey)),
      await resolved(result.nodes.encryption.keys.data),
    );
    const { roles, buckets, database, metrics } = result.outputs;
    assert.deepEqual(
      [Object.keys(roles), Object.keys(buckets)],
      [
        ["training", "tracking", "serving"],
        ["datasets", "checkpoints", "artifacts"],
      ],
    );
    assert.ok(database !== undefined && metrics !== undefined);
    const small = (await declarePlatform(SMALL_SPEC)).result.outputs;
    assert.deepEqual([small.database, small.metrics], [undefined, undefined]);
  });

  it("is refused as a whole, before anything is declared", async () => {
    const spec = { ...FULL_SPEC, version: "1.20", cidr: "8.8.0.0/16" };
    const error = await refusal(() => new AwsPlatform("platform", { stack: "Pro--duction", spec }));
    assert.match(error.message, /^The platform on AWS cannot be made:/);
    for (const path of ["stack", "version", "cidr"]) assert.match(error.message, new RegExp(`\n {2}${path}: `));
  });

  it("has a kubeconfig with a command in place of a token", () => {
    const text = renderKubeconfig({
      clusterName: "millwright-production",
      region: "us-east-2",
      endpoint: "https://example.eks.amazonaws.com",
      certificateAuthority: "Y2E=",
    });
    const { users } = parse(text) as { users: { user: { exec: { command: string; args: string[] } } }[] };
    assert.equal(users[0]?.user.exec.command, "aws");
    assert.ok(users[0]?.user.exec.args.includes("millwright-production"));
    assert.doesNotMatch(text, /token:|client-key/);
  });

  it("stops with another account's credentials", () => {
    assert.deepEqual(providerArgs(FULL_SPEC), { region: "us-east-2", allowedAccountIds: [ACCOUNT] });
  });
});
