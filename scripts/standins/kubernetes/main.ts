import { packageVersion, servePlugin } from "../lib/plugin.ts";
import { ProviderService } from "./server.ts";

let service: ProviderService | undefined;

await servePlugin({
  name: "pulumi-resource-kubernetes",
  register: (server, engineAddress) => {
    service = new ProviderService(packageVersion("@pulumi/kubernetes"), engineAddress);
    service.register(server);
  },
  stop: () => service?.close(),
});
