import { createRequire } from "node:module";

// Preloaded into what the language host starts, in place of `source-map-support`: the SDK's source maps name files such
// as node_modules/@pulumi/resource.ts, and colouring a stack with one of them never ends in Node 22 (`util.inspect` looks
// for the package's name after the scope). Node strips types in place, so a program's own lines are right without maps.
const require = createRequire(process.argv[1] ?? import.meta.url);
const id = locate();
if (id !== undefined) {
  require.cache[id] = Object.assign(Object.create(null), { id, filename: id, loaded: true, exports: {}, children: [] });
}

function locate(): string | undefined {
  try {
    return require.resolve("source-map-support/register");
  } catch {
    return undefined;
  }
}
