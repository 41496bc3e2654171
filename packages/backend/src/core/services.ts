import type { MessageBus } from '@aico/shared/core/bus';
import type { ConfigurationManager } from '@aico/shared/core/config';
import type { Logging } from '@aico/shared/core/logging';
import type { AICOPaths } from '@aico/shared/core/paths';
import type { Clock } from '@aico/shared/core/tasks';
import type { Database } from '@aico/shared/data';
import type { Leases } from '@aico/shared/data/leases';
import type { AICOKeyManager } from '@aico/shared/security';
import type { Gateway } from './gateway.ts';
import type { HealthRegistry } from './health/types.ts';

/** The leases by which work runs on one node of the home at a time. */
export interface NodeLeases {
  /** `undefined` with an embedded database: the home has one node, which needs no leases. */
  readonly leases: Leases | undefined;
}

/**
 * Every service by its name. A plugin adds its own by declaration merging, so that `requireService('inbox')` is typed and a
 * misspelt name does not compile:
 *
 * @example
 * ```ts
 * declare module '@aico/backend/plugin' {
 *   interface Services { inbox: Inbox }
 * }
 * ```
 */
export interface Services {
  clock: Clock;
  paths: AICOPaths;
  config: ConfigurationManager;
  logging: Logging;
  key_manager: AICOKeyManager;
  database: Database;
  message_bus: MessageBus;
  health: HealthRegistry;
  gateway: Gateway;
  nodes: NodeLeases;
}

/** A name under which a service is registered. */
export type ServiceName = keyof Services;
