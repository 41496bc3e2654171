import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { PasswordRefusedError } from '../errors.ts';
import { refuseGuessablePassword } from './password-policy.ts';

test('a guessable password is refused with the reason and a suggestion', async () => {
  const cases: readonly (readonly [password: string, reason: RegExp])[] = [
    ['short', /it has 5 characters, and the fewest are 8/],
    ['abababababab', /repeats the same one or two characters/],
    ['password', /a few hundred guesses find it. This is a heavily used password/],
    ['qwertyuiop', /guesses find it/],
    ['iloveyou12', /similar to a commonly used password/],
    ['abcdabcdabcd', /easy to guess/],
    ['Summer2024!', /millions of guesses/],
    ['aicodiary', /guesses find it/],
    ['ｐａｓｓｗｏｒｄ', /heavily used/],
    ['ab1'.repeat(400), /the most are 1024/],
  ];
  for (const [password, reason] of cases)
    for (const _ of [1, 2])
      await assert.rejects(refuseGuessablePassword(password), (error) => {
        assert.ok(error instanceof PasswordRefusedError, password);
        assert.match(error.message, reason);
        // The reason for each contains the word itself.
        if (password !== 'password') assert.ok(!`${error.message} ${error.hint}`.includes(password));
        assert.match(error.hint ?? '', /Four or more words/);
        return true;
      });
});

test('unrelated words in any language are accepted, and so is a long random password', async () => {
  for (const password of [
    'correct horse battery staple',
    'seven green owls on a wire',
    'gr\u00fc\u00dfe aus k\u00f6ln',
    'kai7Pq2zWm',
    '\u8bb0\u5f97\u660e\u5929\u5e26\u96e8\u4f1e\u554a\u522b\u5fd8\u4e86',
    'x9'.concat('-'.repeat(3), 'lamp oyster'),
  ])
    await refuseGuessablePassword(password);
});

test('the dictionaries are not loaded by loading the key manager', () => {
  const code = `
    await import('${new URL('../index.ts', import.meta.url).href}');
    const loaded = process.getActiveResourcesInfo && process.report.getReport().sharedObjects;
    const { createRequire, Module } = await import('node:module');
    process.stdout.write(JSON.stringify({
      zxcvbn: Object.keys(createRequire('${import.meta.url}').cache ?? {}).some((name) => name.includes('zxcvbn')),
      keyring: loaded.some((name) => name.includes('keyring')),
    }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
  });
  assert.deepEqual(JSON.parse(stdout || 'null'), { zxcvbn: false, keyring: false }, stderr);
});
