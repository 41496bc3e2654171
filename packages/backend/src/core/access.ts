/**
 * A capability: words joined by colons, from the owner to the action, such as `inbox:read`. `'public'` is for every paired
 * device. A capability that begins with `root:` is outside the owners, and only a grant of the same name covers it.
 */
export type Access = 'public' | `${string}:${string}`;

const CAPABILITY = /^[a-z][a-z0-9_-]*(?::[a-z][a-z0-9_-]*)+$/;
/**
 * A grant of a role, as a regular expression for a schema: a capability, in which `*` stands for any word, except in `root:`.
 */
export const GRANT = '^(?!root:.*\\*)(?:\\*|[a-z][a-z0-9_-]*)(?::(?:\\*|[a-z][a-z0-9_-]*))*$';

/** The beginning of capabilities that no wildcard covers. */
const ROOT = 'root:';
/** Owners within the backend itself. They expose the whole home, so `*:read` does not cover them. */
const OWN_ROOMS: ReadonlySet<string> = new Set([
  'audit',
  'bus',
  'database',
  'devices',
  'logs',
  'nodes',
  'security',
  'system',
]);

/** Whether a value is a capability that a route may name. */
export function isAccess(value: unknown): value is Access {
  return value === 'public' || (typeof value === 'string' && CAPABILITY.test(value));
}

/**
 * Whether `grant` covers `capability`. A first word `*` followed by others matches plugins only; `*` alone also matches the
 * backend's own owners. A capability that begins with `root:` must be granted by name.
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

/** The sender of a request, and its capabilities. */
export interface Principal {
  readonly kind: 'owner' | 'device' | 'anonymous';
  /** The id of the device, if it is one. */
  readonly id: string;
  readonly name: string;
  may(access: Access): boolean;
}

/** The user that the backend runs as, who alone can open the local socket. */
export const OWNER: Principal = { kind: 'owner', id: 'owner', name: 'owner', may: () => true };

/** The principal of an unknown connection, which has no rights. */
export const ANONYMOUS: Principal = { kind: 'anonymous', id: '', name: 'anonymous', may: () => false };

/** Whether a principal that holds `grants` has the capability `access`. */
export function permits(grants: readonly string[], access: Access): boolean {
  return access === 'public' || grants.some((grant) => covers(grant, access));
}
