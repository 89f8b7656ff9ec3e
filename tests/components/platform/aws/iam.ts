import assert from "node:assert/strict";
import type { Registration } from "../../engine.ts";

/** What is read of a statement of a policy. */
export interface ReadStatement {
  readonly Sid: string;
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: readonly string[];
  readonly Resource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Policy {
  /** The resource that has it, and the input. */
  readonly where: string;
  readonly kind: "role" | "trust" | "resource";
  readonly text: string;
  readonly statements: readonly ReadStatement[];
}

/** Where policies are among the inputs of resources. */
const PLACES: readonly { readonly type: RegExp; readonly input: string; readonly kind: Policy["kind"] }[] = [
  { type: /^aws:iam\/role:Role$/, input: "assumeRolePolicy", kind: "trust" },
  { type: /^aws:iam\/rolePolicy:RolePolicy$/, input: "policy", kind: "role" },
  { type: /^aws:(kms\/key|s3\/bucketPolicy|sns\/topicPolicy|sqs\/queuePolicy):/, input: "policy", kind: "resource" },
];

/** Inputs that look like policies of IAM and are none. */
const OTHER_POLICIES = /^aws:ecr\/lifecyclePolicy:/;

/** Every policy that is declared. */
export function policiesOf(registrations: readonly Registration[]): Policy[] {
  return registrations.flatMap(({ type, name, inputs }) => {
    const places = PLACES.filter((place) => place.type.test(type));
    const unread = Object.keys(inputs).filter(
      (input) =>
        typeof inputs[input] === "string" &&
        /policy$/i.test(input) &&
        !places.some((place) => place.input === input) &&
        !OTHER_POLICIES.test(type),
    );
    assert.deepEqual(unread, [], `${type} has a policy that nobody reads`);
    return places.flatMap(({ input, kind }) => {
      const text = inputs[input];
      assert.equal(typeof text, "string", `${type} ${name}: ${input}`);
      const { Version, Statement } = JSON.parse(text as string) as { Version: string; Statement: ReadStatement[] };
      assert.equal(Version, "2012-10-17");
      return [{ where: `${type} ${name}`, kind, text: text as string, statements: Statement }];
    });
  });
}
