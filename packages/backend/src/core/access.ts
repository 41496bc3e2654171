/**
 * What a caller may do: words joined by colons, from the room to the deed, such as `inbox:read`. `'public'` is for
 * everybody who has a channel at all.
 */
export type Access = 'public' | `${string}:${string}`;

const CAPABILITY = /^[a-z][a-z0-9_-]*(?::[a-z][a-z0-9_-]*)+$/;
const GRANT = /^(?:\*|[a-z][a-z0-9_-]*)(?::(?:\*|[a-z][a-z0-9_-]*))*$/;

/** Whether a route may name it. */
export function isAccess(value: unknown): value is Access {
  return value === 'public' || (typeof value === 'string' && CAPABILITY.test(value));
}

/** Whether a role may hold it: a capability, where `*` stands for any word, and at the end for any rest. */
export function isGrant(value: string): boolean {
  return GRANT.test(value);
}

/**
 * Whether `grant` covers `capability`.
 *
 * @example covers('*:read', 'inbox:read'); // true
 * @example covers('inbox:*', 'inbox:messages:read'); // true
 */
export function covers(grant: string, capability: string): boolean {
  const granted = grant.split(':');
  const asked = capability.split(':');
  for (const [index, word] of granted.entries()) {
    if (word === '*' && index === granted.length - 1) return asked.length > index;
    if (asked[index] === undefined || (word !== '*' && word !== asked[index])) return false;
  }
  return granted.length === asked.length;
}

/** Who sent a request, and what they may do. */
export interface Principal {
  readonly kind: 'owner' | 'device' | 'nobody';
  /** The device's id, where it is one. */
  readonly id: string;
  readonly name: string;
  may(access: Access): boolean;
}

/** Whoever can open the local socket: the user the backend runs as. */
export const OWNER: Principal = { kind: 'owner', id: 'owner', name: 'owner', may: () => true };

/** Somebody whose connection says nothing of them: may do nothing at all. */
export const NOBODY: Principal = { kind: 'nobody', id: '', name: 'nobody', may: () => false };

/** Whether somebody who holds `grants` may do what `access` names. */
export function permits(grants: readonly string[], access: Access): boolean {
  return access === 'public' || grants.some((grant) => covers(grant, access));
}
