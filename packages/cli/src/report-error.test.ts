import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BackendNotRunningError, ProblemError } from '@aico/client/local';
import { ExitCode } from '@aico/protocol';
import { PathInvalidError } from '@aico/shared/core/paths';
import { BackupFailedError } from '@aico/shared/data';
import { Command, CommanderError } from 'commander';
import { CommandFailedError, DetachedStartError, UsageError } from './errors.ts';
import { describeError } from './report-error.ts';
import { usageErrorFrom } from './usage.ts';

describe('describeError()', () => {
  for (const [error, exitCode] of [
    [new BackendNotRunningError('/none', undefined), ExitCode.notRunning],
    [new UsageError('what?'), ExitCode.usage],
    [new UsageError('no path', undefined, new PathInvalidError('', 'it is empty')), ExitCode.usage],
    [new UsageError('no command', undefined, new CommanderError(1, 'commander.x', 'no')), ExitCode.usage],
    [new CommandFailedError('no', ExitCode.stopTimeout), ExitCode.stopTimeout],
    [new DetachedStartError({ message: 'no', exitCode: ExitCode.port }), ExitCode.port],
    [Object.assign(new Error('left'), { name: 'ExitPromptError' }), 130],
    [new Error('foreign'), ExitCode.failure],
    ['a string', ExitCode.failure],
    [undefined, ExitCode.failure],
  ] as const)
    test(`${error instanceof Error ? error.name : typeof error} leads to exit code ${exitCode}`, () =>
      assert.equal(describeError(error).exitCode, exitCode));

  test('an error of a running backend keeps its code and hint, and does not get the exit code of a failed start', () => {
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

  test('a refusal of the operating system is reported as a sentence with a code and a hint, at any depth of the causes', () => {
    const bare = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      errno: -28,
      syscall: 'write',
    });
    for (const error of [bare, new Error('above', { cause: bare })]) {
      const { message, code, hint, exitCode } = describeError(error);
      assert.equal(message, 'the disk is full (ENOSPC: write)');
      assert.equal(code, 'AICO_SYSTEM_NO_ROOM');
      assert.match(hint ?? '', /Make room/);
      assert.equal(exitCode, ExitCode.system);
    }
    const backup = describeError(new BackupFailedError('/backups', bare));
    const sentence = new CommandFailedError('The old password is in force.', 1);
    sentence.cause = bare;
    assert.equal(
      describeError(sentence).message,
      'The old password is in force. The cause: the disk is full (ENOSPC: write).',
    );
    assert.match(backup.message, /no backup was made in \/backups: the disk is full/);
    assert.equal(backup.code, 'AICO_DATABASE_BACKUP');
    assert.match(backup.hint ?? '', /Make room/);
    assert.equal(backup.exitCode, ExitCode.system);
  });

  test('an unknown code that looks like one of the system is not translated', () => {
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
