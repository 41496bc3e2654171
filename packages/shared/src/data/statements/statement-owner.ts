import { decodePrincipal } from '../ownership/principal.ts';
import type { KnownStatement } from './statement-registry.ts';

/** In whose name the statement runs; `undefined` for the backend itself. */
export function ownerOf({ principal }: KnownStatement): string | undefined {
  return decodePrincipal(principal)?.owner;
}
