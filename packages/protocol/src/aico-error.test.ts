import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AicoError, defineError, ExitCode, problemFrom, reasonOf } from './index.ts';

class NoteMissingError extends defineError({
  code: 'TEST_NOTE_MISSING',
  status: 404,
  exit: 'database',
  hint: 'List the notes.',
  make: (id: string, state: 'archived' | 'unknown', cause?: unknown) => ({
    message: `there is no note "${id}"`,
    cause,
    id,
    state,
  }),
}) {}

class BusyError extends defineError({
  code: 'TEST_BUSY',
  make: (isSender: boolean) => ({
    message: 'busy',
    hint: isSender ? 'Send less.' : 'Wait.',
    statusCode: isSender ? 429 : 503,
  }),
}) {}

test('a declared error has its code, message, hint, cause and typed fields, and narrows by instanceof', () => {
  const cause = new Error('row');
  const error: unknown = new NoteMissingError('7', 'archived', cause);
  assert.ok(error instanceof NoteMissingError && error instanceof AicoError && error instanceof Error);
  const state: 'archived' | 'unknown' = error.state;
  const id: string = error.id;
  // @ts-expect-error a field that was not declared
  assert.equal(error.other, undefined);
  assert.deepEqual(
    { ...error, message: error.message, cause: error.cause },
    {
      name: 'NoteMissingError',
      code: 'TEST_NOTE_MISSING',
      hint: 'List the notes.',
      statusCode: 404,
      exitCode: ExitCode.database,
      id,
      state,
      message: 'there is no note "7"',
      cause,
    },
  );
  assert.equal(NoteMissingError.declaration.code, error.code);
  assert.ok(!(new BusyError(true) instanceof NoteMissingError));
});

test('the stack of a declared error starts where it was thrown', () => {
  function findNote(): never {
    throw new NoteMissingError('7', 'unknown');
  }
  assert.throws(findNote, ({ stack = '' }: Error) => {
    const [title, first] = stack.split('\n');
    assert.equal(title, 'NoteMissingError: there is no note "7"');
    assert.match(first ?? '', /at findNote/);
    return true;
  });
});

test('a hint or status that depends on the arguments takes precedence over the declared one', () => {
  assert.deepEqual([new BusyError(true).hint, new BusyError(false).hint], ['Send less.', 'Wait.']);
  assert.deepEqual(
    [true, false].map((isSender) => problemFrom(new BusyError(isSender)).status),
    [429, 503],
  );
  assert.ok(!('exitCode' in new BusyError(true)));
});

test('an error without a cause has no property of that name', () => {
  assert.ok(!('cause' in new NoteMissingError('7', 'unknown')));
});

test('reasonOf() returns the message of an error, and any other value as text', () => {
  assert.deepEqual(
    [reasonOf(new TypeError('a')), reasonOf('b'), reasonOf(undefined)],
    ['a', 'b', 'undefined'],
  );
});

test('reasonOf() does not throw, whatever was thrown', () => {
  const fails = (): never => {
    throw new Error('no text');
  };
  for (const thrown of [
    Object.create(null),
    { toString: fails },
    Object.defineProperty(new Error(), 'message', { get: fails }),
  ])
    assert.equal(reasonOf(thrown), 'a value that has no text was thrown');
  assert.equal(reasonOf(Symbol('a')), 'Symbol(a)');
  assert.equal(reasonOf(Object.assign(new Error(), { message: 7 })), '7');
});
