import { z } from "zod";

/** Text of a pattern. `allowed` says in words what the pattern asks for; it completes the sentence "must be ...". */
export function text(pattern: RegExp, allowed: string) {
  return z.string().regex(pattern).meta({ allowed });
}

/** What a cluster calls a device that pods ask for. */
export const deviceResource = text(
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)+[a-z]+\/[A-Za-z0-9][-A-Za-z0-9._]*$/,
  'the name of a resource, such as "nvidia.com/gpu"',
);

export const namespaceName = () =>
  text(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "a Kubernetes namespace: up to 63 of a-z, 0-9 and '-'");

/** The name of something a stack declares, short enough that the names made of it fit wherever they are used. */
export const shortName = () =>
  text(
    /^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$/,
    "at most 32 of a-z, 0-9 and '-', starting with a letter and not ending in '-'",
  );

export const labelKey = text(
  /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/,
  'the key of a label, such as "example.com/tier"',
);

export const labelValue = text(
  /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/,
  "the value of a label: up to 63 letters, digits, '-', '_' and '.'",
);

/** A moment, in UTC, as AWS writes it. */
export const instant = text(
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?Z$/,
  'a moment in UTC, such as "2027-01-31T11:30:00Z"',
);
