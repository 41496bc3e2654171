import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exportedTypes } from '../test/fixtures/exports.ts';
import * as host from './host.ts';

/** Everything that `@aico/backend/host` exports. A name more or less is a change of the interface of host programs. */
const VALUES = [
  'DependencyGraph',
  'HealthChecks',
  'InstanceRunningError',
  'VERSION',
  'assembleBackend',
  'exitCodeFor',
  'loadPlugin',
  'readInstance',
  'readinessProbe',
  'registerPlugin',
  'runBackend',
  'servicesCheck',
  'startBackend',
];

const TYPES = [
  'AssembledBackend',
  'Backend',
  'BackendOptions',
  'ContainerState',
  'DeclareRoutes',
  'EncryptionOptions',
  'Ending',
  'Gateway',
  'GatewayAddresses',
  'HealthCheck',
  'HealthCheckOptions',
  'HealthRegistry',
  'HealthReport',
  'HealthStatus',
  'Idempotency',
  'Lifecycle',
  'LifecycleOptions',
  'LifecycleState',
  'ListenOptions',
  'LoadedPlugin',
  'ProcessLike',
  'RunBackendOptions',
  'RunningInstance',
  'ServiceEvent',
  'ServiceFactory',
  'ServiceOptions',
  'ServiceReport',
  'ServiceState',
  'StartReport',
  'StopReport',
  'StoppedService',
];

test('@aico/backend/host exports what is listed here, and nothing else', () => {
  assert.deepEqual(Object.keys(host).sort(), VALUES.toSorted());
  assert.deepEqual(exportedTypes(new URL('./host.ts', import.meta.url)), TYPES.toSorted());
});
