import { OwnerReservedError } from '../errors.ts';
import type { TableGrants } from '../types.ts';
import { foldCase } from './schema-view.ts';

/** In whose name statements run, and whose tables besides its own they may touch. */
export interface Principal {
  readonly owner: string;
  readonly reads: readonly string[];
  /** May read as well. */
  readonly writes: readonly string[];
  /** A part of the backend itself, which may set the counters of AUTOINCREMENT and use reserved names in its migrations. */
  readonly trusted: boolean;
}

export function principalOf(owner: string, { reads = [], writes = [] }: TableGrants = {}): Principal {
  return { owner, reads: [...reads], writes: [...writes], trusted: false };
}

export function trustedPrincipal(owner: string): Principal {
  return { owner, reads: [], writes: [], trusted: true };
}

/** Names that are reserved for the backend itself. */
export interface ReservedNames {
  readonly owners: readonly string[];
  /** Those of the owners whose tables may be read by a principal that says so. */
  readonly readable?: readonly string[];
  readonly tables: readonly string[];
}

/**
 * @throws {OwnerReservedError} when a principal is called like a part of the backend, or wants tables of one that are not
 *   open to reading
 */
export function refuseReserved({ owner, reads, writes }: Principal, reserved: ReservedNames): void {
  const owners = new Set(reserved.owners.map(foldCase));
  const readable = new Set(reserved.readable?.map(foldCase));
  const wanted = [owner, ...writes, ...reads.filter((name) => !readable.has(foldCase(name)))];
  for (const name of wanted)
    if (owners.has(foldCase(name)) || /^_?aico_/i.test(name)) throw new OwnerReservedError(name);
}

/** A principal as text, which crosses to the engine with each statement of its. Empty for the root, who may do everything. */
export const ROOT = '';

export function encodePrincipal(principal: Principal): string {
  return JSON.stringify(principal);
}

export function decodePrincipal(text: string): Principal | undefined {
  return text === ROOT ? undefined : (JSON.parse(text) as Principal);
}
