export {
  type AssembledBackend,
  assembleBackend,
  type Backend,
  type BackendOptions,
  startBackend,
} from './backend.ts';
export {
  EncryptionMiddleware,
  type EncryptionOptions,
  type ListenOptions,
} from './channel/encryption-middleware.ts';
export type { Access, Principal } from './core/access.ts';
export type { ContainerState, ServiceFactory } from './core/container/container-types.ts';
export type { ServiceEvent } from './core/container/service-event.ts';
export type { ServiceOptions } from './core/container/service-options.ts';
export type { ServiceState } from './core/container/service-state.ts';
export type { ServiceReport, StartReport } from './core/container/start-report.ts';
export type { StoppedService, StopReport } from './core/container/stop-report.ts';
export { DependencyGraph } from './core/dependency-graph.ts';
export { ExitCode, exitCodeFor } from './core/exit-codes.ts';
export type { DeclareRoutes, Gateway, GatewayAddresses, GatewayApp } from './core/gateway.ts';
export { readinessProbe } from './core/health/readiness.ts';
export { HealthChecks } from './core/health/registry.ts';
export { servicesCheck } from './core/health/services-check.ts';
export type {
  HealthCheck,
  HealthCheckOptions,
  HealthCheckResult,
  HealthRegistry,
  HealthReport,
  HealthStatus,
} from './core/health/types.ts';
export type { Lifecycle } from './core/lifecycle.ts';
export {
  BackendLifecycleManager,
  type Ending,
  type LifecycleOptions,
  type LifecycleState,
} from './core/lifecycle-manager.ts';
export { type CallNext, GatewayResponse, Middleware, type ResponseBody } from './core/middleware.ts';
export { definePlugin, type PluginDefinition, registerPlugin } from './core/plugin/plugin-definition.ts';
export { type LoadedPlugin, loadPlugin } from './core/plugin/plugin-loader.ts';
export { BasePlugin, type PluginMetadata, PluginPriority } from './core/plugin-base.ts';
export type { ProcessLike } from './core/process/process-events.ts';
export {
  contentOf,
  eventStream,
  Instant,
  listOf,
  maybe,
  NO_CONTENT,
  type Says,
} from './core/reply-schemas.ts';
export { ServiceContainer } from './core/service-container.ts';
export type { ServiceName, Services } from './core/services.ts';
export type { Idempotency } from './gateway/index.ts';
export { type RunningInstance, readInstance } from './instance/instance-file.ts';
export { InstanceRunningError } from './instance/instance-lock.ts';
export { type RunBackendOptions, runBackend } from './run-backend.ts';
export { VERSION } from './version.ts';
