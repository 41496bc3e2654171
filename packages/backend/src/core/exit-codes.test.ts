import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AicoError } from '@aico/protocol';
import {
  DependencyGraphError,
  ServiceStartError,
  ServiceStartTimeoutError,
  StartCancelledError,
} from './errors.ts';
import { ExitCode, exitCodeFor } from './exit-codes.ts';

class Failure extends AicoError {}

test('each kind of trouble has its own exit code', () => {
  const codes = Object.values(ExitCode);
  assert.equal(new Set(codes).size, codes.length);
});

test('the code says the exit code', () => {
  const expected: readonly (readonly [string, ExitCode])[] = [
    ['AICO_CONFIG_KEY_UNKNOWN', ExitCode.config],
    ['AICO_PATHS_UNWRITABLE', ExitCode.home],
    ['AICO_HOME_UNREADABLE', ExitCode.home],
    ['AICO_INSTANCE_RUNNING', ExitCode.instance],
    ['AICO_GATEWAY_PORT_TAKEN', ExitCode.port],
    ['AICO_GATEWAY_LISTEN', ExitCode.failure],
    ['AICO_KEY_WRONG_PASSWORD', ExitCode.key],
    ['AICO_SECURITY_SLOT', ExitCode.key],
    ['AICO_DATA_PLAINTEXT', ExitCode.database],
    ['AICO_PLUGIN_NOT_FOUND', ExitCode.plugin],
    ['AICO_SERVICE_CONSTRUCT', ExitCode.plugin],
    ['AICO_SERVICE_STOP_TIMEOUT', ExitCode.stopTimeout],
  ];
  for (const [code, exitCode] of expected) assert.equal(exitCodeFor(new Failure(code, 'x')), exitCode, code);
  assert.equal(exitCodeFor(new DependencyGraphError([])), ExitCode.graph);
  assert.equal(exitCodeFor(new ServiceStartTimeoutError('a', 'start', 1)), ExitCode.startTimeout);
  assert.equal(exitCodeFor(new StartCancelledError('SIGTERM')), ExitCode.ok);
});

test('the culprit at the root decides', () => {
  const database = new Failure('AICO_DATA_CORRUPT', 'corrupt', { cause: new Error('SQLITE_CORRUPT') });
  assert.equal(exitCodeFor(new ServiceStartError('inbox', database)), ExitCode.database);
  assert.equal(exitCodeFor(new ServiceStartError('inbox', new Error('mine'))), ExitCode.plugin);
  const several = new AggregateError([new Error('x'), database]);
  assert.equal(exitCodeFor(new ServiceStartError('inbox', several)), ExitCode.database);
});

test('what is not known is a failure, and a cause that leads back to itself does no harm', () => {
  assert.equal(exitCodeFor(new Error('x')), ExitCode.failure);
  assert.equal(exitCodeFor('x'), ExitCode.failure);
  assert.equal(exitCodeFor(undefined), ExitCode.failure);
  const circular = new Error('x');
  circular.cause = circular;
  assert.equal(exitCodeFor(circular), ExitCode.failure);
});
