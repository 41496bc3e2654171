/**
 * `@aico/backend/plugin`: everything that a plugin imports. A plugin is declared by `definePlugin`; its behaviour is the
 * function `start(plugin)`, or a class that extends `BasePlugin` if other plugins call it. See docs/guide.md.
 */

export { AicoError, defineError } from '@aico/protocol';
export {
  type Consumption,
  type Delivery,
  defineTopic,
  type MessageBus,
  type Subscription,
  type Topic,
} from '@aico/shared/core/bus';
export { type ConfigurationManager, Secret, SecretString } from '@aico/shared/core/config';
export type { Logger } from '@aico/shared/core/logging';
export type {
  Database,
  Migration,
  Queryable,
  QueryResult,
  Row,
  SqlDialect,
  SqlParameters,
  SqlValue,
  Transaction,
} from '@aico/shared/data';
export type { FastifyReply, FastifyRequest } from 'fastify';
export { type Static, type TSchema, Type } from 'typebox';
// Adds the backend's own services, such as 'idempotency', to the names that plugins may depend on.
// An import would be left out of the declarations.
export type {} from './composition/core-services.ts';
export type { Access, Principal } from './core/access.ts';
export type { ServiceContainer } from './core/container/service-container.ts';
export type { GatewayApp } from './core/gateway.ts';
export type { HealthCheckResult } from './core/health/types.ts';
export { type CallNext, GatewayResponse, Middleware } from './core/middleware.ts';
export { type ExtensionPoint, extensionPoint } from './core/plugin/extension-point.ts';
export type { Extensions } from './core/plugin/extensions.ts';
export { BasePlugin, type PluginMetadata, PluginPriority } from './core/plugin/plugin-base.ts';
export type { CommandContext, Output, PluginCommands } from './core/plugin/plugin-commands.ts';
export {
  definePlugin,
  type Placement,
  type Plugin,
  type PluginDefinition,
} from './core/plugin/plugin-definition.ts';
export {
  contentOf,
  eventStream,
  Instant,
  listOf,
  maybe,
  NO_CONTENT,
  type Says,
} from './core/reply-schemas.ts';
export type { ServiceName, Services } from './core/services.ts';
