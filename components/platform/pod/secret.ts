import { SECRET_FILE_MODE } from "./security.ts";

/** The source of a volume that holds one member of a Secret, as a file of that member's name. */
export function renderSecretFile(secretName: string, key: string) {
  return { secretName, items: [{ key, path: key }], defaultMode: SECRET_FILE_MODE };
}
