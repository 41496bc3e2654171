import { registerHooks } from 'node:module';

/** The packages of which a process must have one copy. */
const SHARED = /^@aico\/(?:backend|shared|protocol)(?:\/|$)/;

let isSharing = false;

/**
 * Makes every module that imports `@aico/backend`, `@aico/shared` or `@aico/protocol` use the copy of this backend. Otherwise a
 * plugin with its own node_modules would load another copy with other classes and symbols, and the backend could not find and
 * release the resources of such a plugin. It also lets a plugin run from a folder in which these packages are not installed.
 */
export function shareBackend(): void {
  if (isSharing) return;
  isSharing = true;
  registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, SHARED.test(specifier) ? { ...context, parentURL: import.meta.url } : context),
  });
}
