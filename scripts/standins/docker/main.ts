import { engineLog } from "../lib/engine.ts";
import { servePlugin } from "../lib/plugin.ts";
import { removeCredentials } from "./credentials.ts";
import { DockerCli } from "./docker-cli.ts";
import { NAME, registerDockerProvider } from "./provider.ts";

const cli = new DockerCli();

await servePlugin({
  name: NAME,
  register: (server, engineAddress) => registerDockerProvider(server, engineLog(engineAddress), cli),
  stop: () => {
    cli.stopAll();
    removeCredentials();
  },
});
