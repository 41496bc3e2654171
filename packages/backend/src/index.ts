/**
 * `@aico/backend`: the names that the guide's patterns use. A plugin imports `@aico/backend/plugin`, a program that runs
 * a backend `@aico/backend/host`, a test `@aico/backend/testing`.
 */

export { EncryptionMiddleware } from './channel/encryption-middleware.ts';
export { ServiceContainer } from './core/container/service-container.ts';
export { BackendLifecycleManager } from './core/lifecycle-manager.ts';
export { type CallNext, GatewayResponse, Middleware } from './core/middleware.ts';
export { BasePlugin, type PluginMetadata, PluginPriority } from './core/plugin/plugin-base.ts';
