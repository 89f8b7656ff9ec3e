import fc from "fast-check";

/** Any name the schema takes for a model. */
export const modelName: fc.Arbitrary<string> = fc.stringMatching(/^[a-z][-a-z0-9]{0,30}[a-z0-9]$|^[a-z]$/);
