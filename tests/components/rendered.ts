import { Datacenter } from "../../components/datacenter.ts";
import { declare, type Registration } from "./engine.ts";
import { FULL_STACK, lifeOf, OBSERVED, planOf, withReplicas } from "./fixtures.ts";

/** Every Kubernetes object the program declares at any point of a model's life. */
export async function renderedObjects(): Promise<readonly Registration[]> {
  const objects = new Map<string, Registration>();
  const plans = [
    ...Object.values(OBSERVED).map((observations) => planOf(observations, withReplicas(2))),
    ...lifeOf(FULL_STACK).map((observations) => planOf(observations, FULL_STACK)),
  ];
  for (const plan of plans) {
    const { registrations } = await declare(() => new Datacenter("test", { plan, repositoryRoot: "/repository" }));
    for (const registration of registrations.filter(({ type }) => type.startsWith("kubernetes:"))) {
      objects.set(`${registration.type} ${registration.name}`, registration);
    }
  }
  return [...objects.values()];
}

/** The pod specs of the objects that carry a template. */
export function podSpecs(objects: readonly Registration[]): readonly { name: string; spec: Record<string, unknown> }[] {
  return objects.flatMap(({ name, inputs }) => {
    const template = (inputs["spec"] as { template?: { spec: Record<string, unknown> } } | undefined)?.template;
    return template === undefined ? [] : [{ name, spec: template.spec }];
  });
}
