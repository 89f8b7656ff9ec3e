/** Files by which `npm run up` and the program tell each other of a run; each is left out by a plain `pulumi up`. */
export const GUARD_VARIABLES = {
  /** The state before the run. @default the state file, where the backend is a folder */
  state: "MILLWRIGHT_STATE",
  /** Written: every object that the run may make, before it makes the first. @default none is written */
  objects: "MILLWRIGHT_OBJECTS",
  /** Written: why the program refused to go on. @default stderr */
  refusal: "MILLWRIGHT_REFUSAL",
  /** Objects that may be deleted and made anew, a line each. @default none */
  replace: "MILLWRIGHT_REPLACE",
  /** The kubeconfig that leads to the stack's cluster in this run. @default the stack file's own */
  kubeconfig: "MILLWRIGHT_KUBECONFIG",
} as const;
