import type { SectionDefinition } from '@aico/shared/core/config';
import { Type } from 'typebox';
import { isGrant } from '../core/access.ts';
import { RoleGrantInvalidError, RoleUnknownError } from './errors.ts';

/** `core.devices` */
export const devicesSection = {
  path: 'core.devices',
  schema: Type.Object({
    roles: Type.Record(Type.String(), Type.Array(Type.String()), {
      default: { owner: ['*'], guest: ['*:read', '*:subscribe'] },
      description: 'What the devices of a role may do: capabilities such as inbox:read; * is any word.',
    }),
    default_role: Type.String({ default: 'owner', description: 'The role of a device paired without one.' }),
  }),
} satisfies SectionDefinition;

/** What each role may do. */
export class Roles {
  readonly #grants: ReadonlyMap<string, readonly string[]>;

  /** @throws {RoleGrantInvalidError} when a role holds something that is no capability */
  constructor(roles: Readonly<Record<string, readonly string[]>>) {
    for (const [role, grants] of Object.entries(roles))
      for (const grant of grants) if (!isGrant(grant)) throw new RoleGrantInvalidError(role, grant);
    this.#grants = new Map(Object.entries(roles));
  }

  get names(): readonly string[] {
    return [...this.#grants.keys()];
  }

  /** @throws {RoleUnknownError} */
  check(roles: readonly string[]): void {
    for (const role of roles) if (!this.#grants.has(role)) throw new RoleUnknownError(role, this.names);
  }

  /** What the roles may do together. One that is no longer configured grants nothing. */
  grantsOf(roles: readonly string[]): readonly string[] {
    return roles.flatMap((role) => this.#grants.get(role) ?? []);
  }
}
