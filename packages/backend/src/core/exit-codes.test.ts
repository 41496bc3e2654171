import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineError, ExitCode } from '@aico/protocol';
import { SystemError } from '@aico/shared/core/system-errors';
import {
  DependencyGraphError,
  ServiceStartError,
  ServiceStartTimeoutError,
  StartCancelledError,
} from './container/errors.ts';
import { exitCodeFor } from './exit-codes.ts';

class KeyError extends defineError({ code: 'TEST_KEY', exit: 'key', make: () => ({ message: 'key' }) }) {}
class DatabaseError extends defineError({
  code: 'TEST_DATABASE',
  exit: 'database',
  make: (cause: unknown) => ({ message: 'database', cause }),
}) {}
class PlainError extends defineError({
  code: 'TEST_PLAIN',
  make: (cause?: unknown) => ({ message: 'plain', cause }),
}) {}

test('each exit code has its own number', () => {
  const codes = Object.values(ExitCode);
  assert.equal(new Set(codes).size, codes.length);
});

test('an error ends in the exit code that it declares', () => {
  assert.equal(exitCodeFor(new KeyError()), ExitCode.key);
  assert.equal(exitCodeFor(new DependencyGraphError([])), ExitCode.graph);
  assert.equal(exitCodeFor(new ServiceStartTimeoutError('a', 'start', 1)), ExitCode.startTimeout);
  assert.equal(exitCodeFor(new StartCancelledError('SIGTERM')), ExitCode.ok);
});

test('the error at the root decides; one without an exit code leaves it to the nearest one above', () => {
  const database = new DatabaseError(new Error('SQLITE_CORRUPT'));
  assert.equal(exitCodeFor(new ServiceStartError('inbox', database)), ExitCode.database);
  assert.equal(exitCodeFor(new PlainError(database)), ExitCode.database);
  assert.equal(exitCodeFor(new ServiceStartError('inbox', new Error('mine'))), ExitCode.plugin);
  assert.equal(exitCodeFor(new ServiceStartError('inbox', new PlainError())), ExitCode.plugin);
  const several = new AggregateError([new Error('x'), database]);
  assert.equal(exitCodeFor(new ServiceStartError('inbox', several)), ExitCode.database);
});

test('a refusal by the operating system counts only where no error above it declares an exit code', () => {
  const full = new SystemError({ errno: 'ENOSPC', syscall: 'write', target: '/x', cause: undefined });
  assert.equal(exitCodeFor(new PlainError(full)), ExitCode.system);
  assert.equal(exitCodeFor(new DatabaseError(full)), ExitCode.database);
  assert.equal(exitCodeFor(new ServiceStartError('inbox', new DatabaseError(full))), ExitCode.database);
});

test('the exit code of a library’s error, such as the parser’s, does not count', () => {
  const parser = Object.assign(new Error('unknown option'), { code: 'commander.unknownOption', exitCode: 1 });
  assert.equal(exitCodeFor(new ServiceStartError('inbox', parser)), ExitCode.plugin);
  assert.equal(exitCodeFor(parser), ExitCode.failure);
});

test('an unknown error is a failure, and a cause that leads back to itself does no harm', () => {
  assert.equal(exitCodeFor(new Error('x')), ExitCode.failure);
  assert.equal(exitCodeFor('x'), ExitCode.failure);
  assert.equal(exitCodeFor(undefined), ExitCode.failure);
  const circular = new Error('x');
  circular.cause = circular;
  assert.equal(exitCodeFor(circular), ExitCode.failure);
});
