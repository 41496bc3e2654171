import { decodePrincipal } from '../ownership/principal.ts';
import type { KnownStatement } from './statement-registry.ts';

/** The owner of the statement; `undefined` for the backend itself. */
export function ownerOf({ principal }: KnownStatement): string | undefined {
  return decodePrincipal(principal)?.owner;
}
