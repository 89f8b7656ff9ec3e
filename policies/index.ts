import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules/index.ts";

// Building a pack serves it on a port, once a process: that is why nothing but this file does.
new PolicyPack("millwright", {
  description: "What every object of the datacenter must keep.",
  policies: [...rules],
  enforcementLevel: "mandatory",
});
