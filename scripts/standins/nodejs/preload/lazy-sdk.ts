import { loadLazily } from "./replace.ts";

// The SDK loads these two when it is imported, for serialising functions; no program of ours does, and together they take
// more than half of the time the SDK takes to load.
loadLazily("@npmcli/arborist");
loadLazily("../../typescript-shim.js");
