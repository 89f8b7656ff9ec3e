import { UnknownValueError } from "@pulumi/policy";

/** Whether reading a property failed because its value is not known at preview. The SDK exports the class untyped. */
export function isUnknownValue(error: unknown): error is Error {
  return error instanceof UnknownValueError;
}
