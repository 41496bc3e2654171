import { registerHooks } from 'node:module';

/** The packages of which a process must have one copy. */
const SHARED = /^@aico\/(?:backend|shared|protocol)(?:\/|$)/;

let isSharing = false;

/**
 * Lets every module of the process that imports `@aico/backend`, `@aico/shared` or `@aico/protocol` have the copy of this
 * backend. Without it a plugin with a folder node_modules of its own would bring another copy, whose classes and symbols the
 * backend does not know: it would not find what such a plugin has opened, and would not release it. It also lets a plugin run
 * that lies where these packages are not installed.
 */
export function shareBackend(): void {
  if (isSharing) return;
  isSharing = true;
  registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, SHARED.test(specifier) ? { ...context, parentURL: import.meta.url } : context),
  });
}
