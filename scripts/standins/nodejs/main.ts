import { servePlugin } from "../lib/plugin.ts";
import { Children } from "./children.ts";
import { NAME, registerLanguageHost } from "./host.ts";

const children = new Children();

await servePlugin({
  name: NAME,
  register: (server, engineAddress) => {
    if (engineAddress === undefined) throw new Error(`${NAME}: needs the engine's address as its last argument`);
    registerLanguageHost(server, engineAddress, children);
  },
  stop: () => children.killAll(),
});
