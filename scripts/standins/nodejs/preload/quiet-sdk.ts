import { loadLazily } from "./replace.ts";

/** What the SDK itself tells the engine's debug log: three calls a resource, one after another, a third of its time. */
const CHATTER = /^(Registering|Reading|Getting) resource: |^(Register|Read|get)Resource(Outputs)? (Invoke )?RPC /;

// A program's own `pulumi.log.debug` is left as it is.
loadLazily("../../log/index.js", (exports) => {
  const debug = exports.debug as (message: string, ...rest: unknown[]) => Promise<void>;
  exports.debug = (message: string, ...rest: unknown[]) =>
    CHATTER.test(message) ? Promise.resolve() : debug(message, ...rest);
});
