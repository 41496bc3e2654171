import type { KnownStatement } from './statement-registry.ts';

/** In whose name the statement runs; `undefined` for the backend itself. */
export function ownerOf(_statement: KnownStatement): string | undefined {
  return undefined;
}
