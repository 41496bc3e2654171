/**
 * `@aico/backend`: the names in the guide's patterns. A plugin imports `@aico/backend/plugin`, a program that runs a backend
 * `@aico/backend/host`, and a test `@aico/backend/testing`.
 */

export { EncryptionMiddleware } from './channel/encryption-middleware.ts';
export { ServiceContainer } from './core/container/service-container.ts';
export { BackendLifecycleManager } from './core/lifecycle-manager.ts';
export { type CallNext, GatewayResponse, Middleware } from './core/middleware.ts';
export { BasePlugin, type PluginMetadata, PluginPriority } from './core/plugin/plugin-base.ts';
