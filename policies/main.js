// The engine compiles the entry of a policy pack with an old TypeScript; a JavaScript entry leaves the types to Node.
import "./index.ts";
