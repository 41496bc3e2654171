export {
  type AssembledBackend,
  assembleBackend,
  type Backend,
  type BackendOptions,
  startBackend,
} from './backend.ts';
export type { ServiceFactory } from './core/container/container-types.ts';
export type { ServiceOptions } from './core/container/service-options.ts';
export type { ServiceReport, StartReport } from './core/container/start-report.ts';
export { DependencyGraph } from './core/dependency-graph.ts';
export { ExitCode, exitCodeFor } from './core/exit-codes.ts';
export type { DeclareRoutes, Gateway, GatewayAddresses, GatewayApp } from './core/gateway.ts';
export { HealthChecks } from './core/health/registry.ts';
export type {
  HealthCheck,
  HealthCheckOptions,
  HealthCheckResult,
  HealthRegistry,
  HealthReport,
  HealthStatus,
} from './core/health/types.ts';
export type { Lifecycle } from './core/lifecycle.ts';
export { BackendLifecycleManager, type LifecycleOptions } from './core/lifecycle-manager.ts';
export { definePlugin, type PluginDefinition, registerPlugin } from './core/plugin/plugin-definition.ts';
export { BasePlugin, type PluginMetadata, PluginPriority } from './core/plugin-base.ts';
export { ServiceContainer } from './core/service-container.ts';
export type { ServiceName, Services } from './core/services.ts';
export { type RunningInstance, readInstance } from './instance/instance-file.ts';
export { InstanceRunningError } from './instance/instance-lock.ts';
export { type RunBackendOptions, runBackend } from './run-backend.ts';
export { VERSION } from './version.ts';
