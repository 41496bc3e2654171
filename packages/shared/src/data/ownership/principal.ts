import { parseJson } from '@aico/protocol';
import type { TableGrants } from '../types.ts';
import { OwnerReservedError } from './errors.ts';
import { foldCase } from './schema-view.ts';

/** The owner of a statement, and the other owners whose tables the statement may use. */
export interface Principal {
  readonly owner: string;
  readonly reads: readonly string[];
  /** Other owners whose tables the statement may read and write. */
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
  /** Those of the owners whose tables other principals may read, if they declare it. */
  readonly readable?: readonly string[];
  readonly tables: readonly string[];
}

/**
 * @throws {OwnerReservedError} when a principal has the name of a part of the backend, or requests tables of such a part that are
 *   not readable
 */
export function refuseReserved({ owner, reads, writes }: Principal, reserved: ReservedNames): void {
  const owners = new Set(reserved.owners.map(foldCase));
  const readable = new Set(reserved.readable?.map(foldCase));
  const wanted = [owner, ...writes, ...reads.filter((name) => !readable.has(foldCase(name)))];
  for (const name of wanted)
    if (owners.has(foldCase(name)) || /^_?aico_/i.test(name)) throw new OwnerReservedError(name);
}

/** The encoded principal of the backend itself, which has all rights. */
export const ROOT = '';

export function encodePrincipal(principal: Principal): string {
  return JSON.stringify(principal);
}

export function decodePrincipal(text: string): Principal | undefined {
  return text === ROOT ? undefined : (parseJson(text) as Principal);
}
