import { replaceModule } from "./replace.ts";

// `cmd/run-policy-pack` always sets up ts-node, with a TypeScript of 2020. A pack with `typescript: false` starts in
// JavaScript, and Node strips the types of what it imports.
replaceModule("../../vendor/ts-node@7.0.1", { register: () => undefined });
replaceModule("../../vendor/typescript@3.8.3/typescript.js", { version: "3.8.3" });
