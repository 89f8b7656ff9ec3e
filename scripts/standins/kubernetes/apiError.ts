import { isObject, type JsonObject, listAt, numberAt, objectAt, textAt } from "./values.ts";

/** One reason the API server gave, with the field it is about. */
export interface Cause {
  readonly reason: string;
  readonly message: string;
  /** The API server's field path, e.g. `spec.template`; empty when the cause names none. */
  readonly field: string;
}

/** The API server answered, and said no. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly Cause[];
  readonly details: JsonObject;
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, body: unknown, fallback: string) {
    const answer = isObject(body as JsonObject) ? (body as JsonObject) : {};
    super(textAt(answer, "message") ?? fallback);
    this.status = status;
    this.reason = textAt(answer, "reason") ?? "";
    this.details = objectAt(answer, "details") ?? {};
    this.causes = listAt(answer, "details", "causes").map((cause) => ({
      reason: textAt(cause, "reason") ?? "",
      message: textAt(cause, "message") ?? "",
      field: textAt(cause, "field") ?? "",
    }));
    this.retryAfterSeconds = numberAt(answer, "details", "retryAfterSeconds");
  }
}

/** Nobody answered: nothing is known about what exists. */
export class Unreachable extends Error {}

/** The operation was cancelled by the engine. */
export class Cancelled extends Error {}

export const isNotFound = (error: unknown): error is ApiError => error instanceof ApiError && error.status === 404;

export const isConflict = (error: unknown): error is ApiError => error instanceof ApiError && error.status === 409;

/** The namespace the request was for does not exist (yet). */
export const isNamespaceMissing = (error: unknown): error is ApiError =>
  isNotFound(error) && textAt(error.details, "kind") === "namespaces";

/** The namespace is on its way out and takes no new objects. */
export const isNamespaceTerminating = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.causes.some((cause) => cause.reason === "NamespaceTerminating");

/** An admission webhook refuses to take part in dry runs, or this user may not make them. */
export const isDryRunRefused = (error: unknown): error is ApiError =>
  error instanceof ApiError && (error.status === 403 || /does not support dry ?run/i.test(error.message));

export interface FieldConflict {
  /** The API server's field path, e.g. `.spec.replicas`. */
  readonly field: string;
  /** The manager that owns it. */
  readonly manager: string;
}

/** Who owns the fields that server-side apply refused to take over. */
export function conflictsOf(error: ApiError): FieldConflict[] {
  return error.causes
    .filter((cause) => cause.reason === "FieldManagerConflict")
    .map((cause) => ({
      field: cause.field,
      manager: /"((?:[^"\\]|\\.)*)"/.exec(cause.message)?.[1] ?? "another manager",
    }));
}
