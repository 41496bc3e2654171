/**
 * What a caller may do: words joined by colons, from the room to the deed, such as `inbox:read`. `'public'` is for
 * everybody who has a channel at all. What begins with `root:` reaches beyond every room, and only a grant of that very
 * name covers it.
 */
export type Access = 'public' | `${string}:${string}`;

const CAPABILITY = /^[a-z][a-z0-9_-]*(?::[a-z][a-z0-9_-]*)+$/;
/** The grants of a role, as a regular expression for a schema: a capability, where `*` stands for any word but none of `root:`. */
export const GRANT = '^(?!root:.*\\*)(?:\\*|[a-z][a-z0-9_-]*)(?::(?:\\*|[a-z][a-z0-9_-]*))*$';

/** Where capabilities begin that no wildcard covers. */
const ROOT = 'root:';
/** Rooms of the backend itself: what they show concerns the whole home, so that `*:read` does not cover them. */
const OWN_ROOMS: ReadonlySet<string> = new Set(['bus', 'database', 'devices', 'logs', 'security', 'system']);

/** Whether a route may name it. */
export function isAccess(value: unknown): value is Access {
  return value === 'public' || (typeof value === 'string' && CAPABILITY.test(value));
}

/** Whether a role may hold it: a capability, where `*` stands for any word, and at the end for any rest. */
export function isGrant(value: string): boolean {
  return new RegExp(GRANT).test(value);
}

/**
 * Whether `grant` covers `capability`. A first word `*` with words behind it stands for the rooms of plugins; only `*`
 * alone covers the backend's own rooms too, and nothing but its very name covers what begins with `root:`.
 *
 * @example covers('*:read', 'inbox:read'); // true
 * @example covers('inbox:*', 'inbox:messages:read'); // true
 * @example covers('*:read', 'logs:read'); // false
 * @example covers('*', 'root:database:query'); // false
 */
export function covers(grant: string, capability: string): boolean {
  if (capability.startsWith(ROOT)) return grant === capability;
  const granted = grant.split(':');
  const asked = capability.split(':');
  if (granted[0] === '*' && granted.length > 1 && OWN_ROOMS.has(asked[0] ?? '')) return false;
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
