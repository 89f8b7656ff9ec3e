import { getStack, RunError, runtime } from "@pulumi/pulumi";
import { Datacenter } from "./components/datacenter.ts";
import { groundOf } from "./components/ground.ts";
import { guardStack } from "./components/guard/program.ts";
import { ObservationError } from "./components/lifecycle/observe.ts";
import { plan } from "./components/lifecycle/plan.ts";
import { loadStack, StackError } from "./stacks/load.ts";

/** What a user can mend is printed as it is; anything else is a fault of this program and keeps its stack trace. */
function explain(error: unknown): never {
  throw error instanceof StackError || error instanceof ObservationError ? new RunError(error.message) : error;
}

const repositoryRoot = import.meta.dirname;
const stack = await loadStack({ name: getStack(), repositoryRoot, config: runtime.allConfig() }).catch(explain);
const guard = guardStack();
const { kubernetes, awsProvider, observations, aws, outputs } = await groundOf(stack).catch(explain);

const datacenter = new Datacenter(
  stack.name,
  { plan: plan(stack, observations), repositoryRoot, ...(aws && { aws }), ...(outputs && { ground: outputs }) },
  // The only providers; components are given them and never build their own.
  { providers: { kubernetes, ...(awsProvider && { aws: awsProvider }) } },
);

guard.check();

export const endpoints = datacenter.endpoints;
export const stages = datacenter.stages;
/** What stacks on this one's cluster read; undefined where it has none of its own. */
export const platform = aws?.outputs;
