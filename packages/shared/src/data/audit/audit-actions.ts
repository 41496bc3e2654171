import type { AuditEvent } from './audit-event.ts';

/**
 * Every action that is recorded, with the names of its details. docs/audit.md describes each.
 *
 * @example
 * const event: SecurityEvent = { action: 'device.renamed', subject: id, details: { from: 'Phone', to: 'Tablet' } };
 */
export const AUDIT_ACTIONS = {
  'audit.damaged': ['lines'],
  'bus.granted': ['publish', 'subscribe', 'renewed'],
  'bus.revoked': [],
  'config.changed': ['keys'],
  'database.backed_up': ['folder'],
  'database.restored': ['backup', 'commits'],
  'database.rollback_accepted': ['state', 'missing'],
  'device.code_issued': ['roles'],
  'device.paired': ['name', 'roles', 'fingerprint', 'reason'],
  'device.renamed': ['from', 'to'],
  'device.revoked': ['name'],
  'device.roles_changed': ['from', 'to'],
  'keys.created': ['kinds', 'unconfirmed'],
  'keys.database_key_rotated': ['unconfirmed'],
  'keys.locked': [],
  'keys.password_changed': ['unconfirmed'],
  'keys.slot_added': ['kind', 'unconfirmed'],
  'keys.slot_removed': ['unconfirmed'],
  'keys.unlocked': ['kind', 'code'],
  'log.archived': ['file', 'filter', 'removed'],
  'log.deleted': ['filter'],
  'log.level_changed': ['level'],
  'node.invited': [],
  'node.joined': ['name'],
  'node.removed': ['name'],
  'plugin.added': ['module'],
  'plugin.disabled': ['code', 'version', 'module'],
  'plugin.enabled': ['code', 'version', 'module'],
  'plugin.reloaded': ['code', 'version', 'module'],
  'plugin.removed': [],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type AuditAction = keyof typeof AUDIT_ACTIONS;

/** An event of one of the known actions, with no other details than this action has. */
export type SecurityEvent = {
  [Action in AuditAction]: AuditEvent & {
    readonly action: Action;
    readonly details?: Readonly<Partial<Record<(typeof AUDIT_ACTIONS)[Action][number], unknown>>>;
  };
}[AuditAction];
