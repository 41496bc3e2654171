import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExitCode } from '@aico/backend/exit-codes';
import { BackendNotRunningError, ProblemError } from '@aico/client/local';
import { Command, type CommanderError } from 'commander';
import { CommandFailedError, DetachedStartError, UsageError } from './errors.ts';
import { describeError } from './report-error.ts';
import { usageErrorFrom } from './usage.ts';

describe('describeError()', () => {
  for (const [error, exitCode] of [
    [new BackendNotRunningError('/none', undefined), ExitCode.notRunning],
    [new UsageError('what?'), ExitCode.usage],
    [new CommandFailedError('no', ExitCode.stopTimeout), ExitCode.stopTimeout],
    [new DetachedStartError({ message: 'no', exitCode: ExitCode.port }), ExitCode.port],
    [Object.assign(new Error('left'), { name: 'ExitPromptError' }), 130],
    [new Error('foreign'), ExitCode.failure],
    ['a string', ExitCode.failure],
    [undefined, ExitCode.failure],
  ] as const)
    test(`${error instanceof Error ? error.name : typeof error} leads to exit code ${exitCode}`, () =>
      assert.equal(describeError(error).exitCode, exitCode));

  test('what a running backend refuses keeps its code and hint, and is no failure of a start', () => {
    const problem = {
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code: 'AICO_DATA_X',
      hint: 'Do y.',
    };
    assert.deepEqual(describeError(new ProblemError(problem)), {
      message: 'Bad Request',
      code: 'AICO_DATA_X',
      hint: 'Do y.',
      exitCode: ExitCode.failure,
    });
  });

  test('a code of the system is none of ours', () => {
    assert.equal(describeError(Object.assign(new Error('no such file'), { code: 'ENOENT' })).code, undefined);
  });
});

test('usageErrorFrom() takes the suggestion as the hint', () => {
  const program = new Command('aico').exitOverride().configureOutput({ outputError: () => {} });
  program.command('start');
  program.command('status').option('--verbose');
  const failure = (...words: readonly string[]): UsageError => {
    try {
      program.parse(words, { from: 'user' });
    } catch (error) {
      return usageErrorFrom(error as CommanderError);
    }
    throw new Error('it was understood');
  };
  assert.deepEqual(
    [failure('strat').message, failure('strat').hint],
    ["unknown command 'strat'", 'Did you mean start?'],
  );
  assert.equal(failure('status', '--verbos').hint, 'Did you mean --verbose?');
  assert.match(failure('status', '--zzzz').hint ?? '', /aico --help/);
});
