/** `@aico/backend/host`: the API of a program that runs a backend, or builds one from its parts. */

export {
  type AssembledBackend,
  assembleBackend,
  type Backend,
  type BackendOptions,
  startBackend,
} from './backend.ts';
export type { EncryptionOptions, ListenOptions } from './channel/encryption-middleware.ts';
export type { ContainerState, ServiceFactory } from './core/container/container-types.ts';
export { DependencyGraph } from './core/container/dependency-graph.ts';
export type { ServiceEvent } from './core/container/service-event.ts';
export type { ServiceOptions } from './core/container/service-options.ts';
export type { ServiceState } from './core/container/service-state.ts';
export { servicesCheck } from './core/container/services-check.ts';
export type { ServiceReport, StartReport } from './core/container/start-report.ts';
export type { StoppedService, StopReport } from './core/container/stop-report.ts';
export { exitCodeFor } from './core/exit-codes.ts';
export type { DeclareRoutes, Gateway, GatewayAddresses } from './core/gateway.ts';
export { readinessProbe } from './core/health/readiness.ts';
export { HealthChecks } from './core/health/registry.ts';
export type {
  HealthCheck,
  HealthCheckOptions,
  HealthRegistry,
  HealthReport,
  HealthStatus,
} from './core/health/types.ts';
export type { Lifecycle } from './core/lifecycle.ts';
export type { Ending, LifecycleOptions, LifecycleState } from './core/lifecycle-manager.ts';
export { type LoadedPlugin, loadPlugin } from './core/plugin/plugin-loader.ts';
export { registerPlugin } from './core/plugin/register-plugin.ts';
export type { ProcessLike } from './core/process/process-events.ts';
export type { Idempotency } from './gateway/index.ts';
export { InstanceRunningError } from './instance/errors.ts';
export { type RunningInstance, readInstance } from './instance/instance-file.ts';
export { type RunBackendOptions, runBackend } from './run-backend.ts';
export { VERSION } from './version.ts';
