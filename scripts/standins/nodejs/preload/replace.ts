import { createRequire } from "node:module";

/** As the SDK's own entry point, which is what node was started with, sees modules. */
export const sdkRequire = createRequire(process.argv[1] ?? import.meta.url);

/** Lets every later `require` of a module get something else; does nothing where the module does not exist. */
export function replaceModule(name: string, exports: unknown): void {
  const id = locate(name);
  if (id === undefined) return;
  sdkRequire.cache[id] = Object.assign(Object.create(null), { id, filename: id, loaded: true, exports, children: [] });
}

export type Exports = Record<PropertyKey, unknown>;

/** Puts off loading a module until something of it is used; `change` may then alter what it exports. */
export function loadLazily(name: string, change: (exports: Exports) => void = () => undefined): void {
  const id = locate(name);
  if (id === undefined) return;
  let loaded: Exports | undefined;
  const load = (): Exports => {
    if (loaded === undefined) {
      delete sdkRequire.cache[id];
      loaded = sdkRequire(id) as Exports;
      change(loaded);
    }
    return loaded;
  };
  // Compiled imports copy a module's members unless it says that it is an ES module.
  replaceModule(name, new Proxy({}, { get: (_target, key) => (key === "__esModule" ? true : load()[key]) }));
}

function locate(name: string): string | undefined {
  try {
    return sdkRequire.resolve(name);
  } catch {
    return undefined;
  }
}
