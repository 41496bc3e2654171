import type { SectionDefinition } from '@aico/shared/core/config';
import { Type } from 'typebox';
import { type Access, covers, GRANT, permits } from '../core/access.ts';
import { RoleUnknownError } from './errors.ts';

/** An owner may do everything, including root rights by name; a guest sees the state of the backend and the data of plugins. */
export const DEFAULT_ROLES = {
  owner: ['*', 'root:audit:read', 'root:database:query', 'root:plugins:change'],
  guest: ['system:read', '*:read', '*:subscribe'],
};

/** The role of a machine that was invited to become a node, until it has joined. The configuration cannot change it. */
export const NODE_ROLE = 'joining-node';
export const NODE_JOIN = 'root:nodes:join';

/** A capability of a role, or a pattern of capabilities. */
const Grant = Type.String({
  pattern: GRANT,
  expectation: 'a capability such as inbox:read, where * stands for any word and not for one of root:',
});

/** `core.devices` */
export const devicesSection = {
  path: 'core.devices',
  schema: Type.Object({
    roles: Type.Record(Type.String(), Type.Array(Grant), {
      default: DEFAULT_ROLES,
      description:
        'What the devices of a role may do: capabilities such as inbox:read; * is any word, as the first of several any plugin.',
    }),
    default_role: Type.String({ default: 'owner', description: 'The role of a device paired without one.' }),
  }),
} satisfies SectionDefinition;

const MAX_FOUND = 1_024;

/** The capabilities of each role. */
export class Roles {
  readonly #grants: ReadonlyMap<string, readonly string[]>;
  /** Earlier results for the same array of roles, since rights are looked up at every request. */
  readonly #found = new WeakMap<readonly string[], Map<Access, boolean>>();

  constructor(roles: Readonly<Record<string, readonly string[]>>) {
    this.#grants = new Map(Object.entries(roles));
  }

  get names(): readonly string[] {
    return [...this.#grants.keys()];
  }

  /** @throws {RoleUnknownError} */
  check(roles: readonly string[]): void {
    for (const role of roles) if (!this.#grants.has(role)) throw new RoleUnknownError(role, this.names);
  }

  /** Whether the roles `own` permit everything that `others` permit. */
  include(own: readonly string[], others: readonly string[]): boolean {
    const held = this.#grantsOf(own);
    return this.#grantsOf(others).every((other) => held.some((grant) => covers(grant, other)));
  }

  #grantsOf(roles: readonly string[]): readonly string[] {
    return roles.flatMap((role) => this.#grants.get(role) ?? []);
  }

  /** Whether the roles together permit `access`. A role that is no longer configured permits nothing. */
  permit(roles: readonly string[], access: Access): boolean {
    const found = this.#found.get(roles) ?? new Map<Access, boolean>();
    this.#found.set(roles, found);
    let permitted = found.get(access);
    if (permitted === undefined) {
      permitted = permits(this.#grantsOf(roles), access);
      // Limited, since a client may ask for any number of patterns.
      if (found.size < MAX_FOUND) found.set(access, permitted);
    }
    return permitted;
  }
}
