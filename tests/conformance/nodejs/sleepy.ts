import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import { refuse, servePlugin, unary } from "../../../scripts/standins/lib/plugin.ts";
import { fromStruct } from "../../../scripts/standins/lib/values.ts";

// A provider for tests: a `sleepy:index:Thing` is a file in the folder $SLEEPY_FOLDER, named by its input `name`, and
// making or removing one takes $SLEEPY_MILLISECONDS. Like the Kubernetes provider it adopts what is already there.
const NAME = "pulumi-resource-sleepy";

function fileOf(name: string): string {
  return join(process.env.SLEEPY_FOLDER ?? "", name);
}

const nap = () => sleep(Number(process.env.SLEEPY_MILLISECONDS ?? 0));

await servePlugin({
  name: NAME,
  register: (server) =>
    server.addService(providerGrpc.ResourceProviderService, {
      handshake: unary(() => new messages.ProviderHandshakeResponse()),
      getPluginInfo: unary(() => new pluginMessages.PluginInfo().setVersion("1.0.0")),
      checkConfig: unary((request: messages.CheckRequest) => new messages.CheckResponse().setInputs(request.getNews())),
      diffConfig: unary(() => new messages.DiffResponse()),
      configure: unary(() => new messages.ConfigureResponse().setSupportspreview(true)),
      check: unary((request: messages.CheckRequest) => new messages.CheckResponse().setInputs(request.getNews())),
      diff: unary(() => new messages.DiffResponse().setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE)),
      create: unary(async (request: messages.CreateRequest) => {
        const name = String(fromStruct(request.getProperties()?.toJavaScript()).name);
        if (!request.getPreview()) {
          await nap();
          writeFileSync(fileOf(name), name);
          await nap();
        }
        return new messages.CreateResponse().setId(name).setProperties(request.getProperties());
      }),
      update: refuse(NAME, "update"),
      read: unary((request: messages.ReadRequest) => {
        const response = new messages.ReadResponse();
        if (!existsSync(fileOf(request.getId()))) return response;
        return response.setId(request.getId()).setProperties(request.getProperties()).setInputs(request.getInputs());
      }),
      delete: unary(async (request: messages.DeleteRequest) => {
        await nap();
        rmSync(fileOf(request.getId()), { force: true });
        await nap();
        return new empty.Empty();
      }),
      cancel: unary(() => new empty.Empty()),
    }),
});
