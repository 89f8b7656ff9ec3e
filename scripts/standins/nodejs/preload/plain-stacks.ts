import { replaceModule } from "./replace.ts";

// The SDK's source maps name files such as node_modules/@pulumi/resource.ts, and colouring a stack with one of them never
// ends in Node 22.23 (`util.inspect` looks for the package's name after the scope). Node strips types in place, so a
// program's own lines are right without source maps.
replaceModule("source-map-support/register", {});
