import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import type * as messages from "@pulumi/pulumi/proto/provider_pb.js";
import providerPb from "@pulumi/pulumi/proto/provider_pb.js";
import emptyPb from "google-protobuf/google/protobuf/empty_pb.js";
import structPb from "google-protobuf/google/protobuf/struct_pb.js";
import { textAt } from "../../../scripts/standins/kubernetes/values.ts";
import { controlPlane } from "./cluster.ts";
import { Engine, secret, urnOf } from "./engine.ts";
import { CONFIG_MAP } from "./fixtures.ts";

type Settings = Record<string, string>;
const struct = (value: object) => structPb.Struct.fromJavaScript(value as never);

describe("kubernetes: configuration", function () {
  this.timeout(120_000);
  let engine: Engine;
  let kubeconfigPath: string;
  let kubeconfig: string;
  before(async () => {
    engine = await Engine.unconfigured();
    kubeconfigPath = (await controlPlane()).kubeconfigPath;
    kubeconfig = readFileSync(kubeconfigPath, "utf8");
  });

  async function problems(settings: object): Promise<Record<string, string>> {
    const request = new providerPb.CheckRequest();
    request.setNews(struct(settings));
    const answer = await engine.call<messages.CheckResponse>("checkConfig", request);
    return Object.fromEntries(answer.getFailuresList().map((failure) => [failure.getProperty(), failure.getReason()]));
  }

  async function diff(olds: object, news: object): Promise<{ diffs: string[]; replaces: string[] }> {
    const request = new providerPb.DiffRequest();
    request.setOlds(struct(olds));
    request.setNews(struct(news));
    const answer = await engine.call<messages.DiffResponse>("diffConfig", request);
    return { diffs: answer.getDiffsList(), replaces: answer.getReplacesList() };
  }

  it("shakes hands, accepts secrets and tells its version", async () => {
    const handshake = await engine.call<messages.ProviderHandshakeResponse>(
      "handshake",
      new providerPb.ProviderHandshakeRequest(),
    );
    assert.equal(handshake.getAcceptSecrets(), true);
    assert.equal((await engine.call<PluginInfo>("getPluginInfo", new emptyPb.Empty())).getVersion(), "4.34.2");
  });

  it("takes a kubeconfig by path and by contents", async () => {
    assert.deepEqual(await problems({ kubeconfig: kubeconfigPath }), {});
    assert.deepEqual(await problems({ kubeconfig: secret(kubeconfig) }), {});
    const byContents = await Engine.unconfigured();
    await byContents.configure({ kubeconfig });
    const inputs = await byContents.checked(urnOf(CONFIG_MAP, "c"), { metadata: { name: "c" } });
    assert.equal(textAt(inputs, "metadata", "namespace"), "default");
  });

  it("names what is wrong with a kubeconfig, a context and a cluster, and what to set", async () => {
    assert.match(
      (await problems({ kubeconfig: "/nowhere/config" }))["kubeconfig"] ?? "",
      /\/nowhere\/config .*no such file/,
    );
    assert.match(
      (await problems({ kubeconfig, context: "moon" }))["context"] ?? "",
      /"moon" is not in the kubeconfig, which has \w+/,
    );
    assert.match((await problems({ kubeconfig, cluster: "moon" }))["cluster"] ?? "", /"moon" is not in the kubeconfig/);
  });

  const refused: Settings = {
    enableServerSideApply: "false",
    renderYamlToDirectory: "out",
    deleteUnreachable: "true",
    skipUpdateUnreachable: "true",
    strictMode: "true",
    helmReleaseSettings: '{"driver":"secret"}',
  };
  for (const [name, value] of Object.entries(refused)) {
    it(`refuses ${name}=${value} by name`, async () => {
      assert.match(
        (await problems({ kubeconfig, [name]: value }))[name] ?? "",
        new RegExp(`^${name}=.* official plugin only`),
      );
    });
  }

  it("accepts the same settings at the value that means not used", async () => {
    const settings = {
      enableServerSideApply: "true",
      strictMode: "false",
      deleteUnreachable: "false",
      clusterIdentifier: "x",
    };
    assert.deepEqual(await problems({ kubeconfig, ...settings }), {});
  });

  it("another server is another cluster: everything is replaced", async () => {
    const moved = kubeconfig.replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, "https://127.0.0.2:1");
    assert.deepEqual(await diff({ kubeconfig }, { kubeconfig: moved }), {
      diffs: ["kubeconfig"],
      replaces: ["kubeconfig"],
    });
  });

  it("rotated client credentials are the same cluster", async () => {
    const rotated = kubeconfig.replace(/("client-key-data": ")[^"]*/, "$1b3RoZXI=");
    assert.ok(rotated !== kubeconfig);
    assert.deepEqual(await diff({ kubeconfig }, { kubeconfig: rotated }), { diffs: ["kubeconfig"], replaces: [] });
  });

  it("the same clusterIdentifier never replaces, another one always does", async () => {
    const moved = kubeconfig.replaceAll(/https:\/\/127\.0\.0\.1:\d+/g, "https://127.0.0.2:1");
    const same = await diff({ kubeconfig, clusterIdentifier: "a" }, { kubeconfig: moved, clusterIdentifier: "a" });
    assert.deepEqual(same.replaces, []);
    const other = await diff({ kubeconfig, clusterIdentifier: "a" }, { kubeconfig, clusterIdentifier: "b" });
    assert.deepEqual(other.replaces, ["clusterIdentifier"]);
  });

  it("a changed default namespace replaces nothing by itself", async () => {
    assert.deepEqual(await diff({ kubeconfig }, { kubeconfig, namespace: "x" }), {
      diffs: ["namespace"],
      replaces: [],
    });
  });
});
