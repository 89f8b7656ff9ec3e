import { delimiter } from "node:path";
import { Provider } from "@pulumi/kubernetes/provider.js";
import { getStack, RunError, runtime } from "@pulumi/pulumi";
import { Datacenter } from "./components/datacenter.ts";
import { kubeconfigOf } from "./components/lifecycle/cluster.ts";
import { ObservationError, observe } from "./components/lifecycle/observe.ts";
import { plan } from "./components/lifecycle/plan.ts";
import { loadStack, StackError } from "./stacks/load.ts";

/** What a user can mend is printed as it is; anything else is a fault of this program and keeps its stack trace. */
function explain(error: unknown): never {
  throw error instanceof StackError || error instanceof ObservationError ? new RunError(error.message) : error;
}

const repositoryRoot = import.meta.dirname;
const stack = await loadStack({ name: getStack(), repositoryRoot, config: runtime.allConfig() }).catch(explain);
const observations = await observe(stack.platform).catch(explain);

const { kubeconfig, context } = kubeconfigOf(stack.platform);
// The one provider; components are given it and never build their own. It takes one file; several, only from $KUBECONFIG.
const provider = new Provider("cluster", { context, ...(kubeconfig.includes(delimiter) ? {} : { kubeconfig }) });
const datacenter = new Datacenter(
  stack.name,
  { plan: plan(stack, observations), repositoryRoot },
  { providers: { kubernetes: provider } },
);

export const endpoints = datacenter.endpoints;
export const stages = datacenter.stages;
