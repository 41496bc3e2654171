import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandPath } from './program.ts';

test('commandPath() finds the command, the home and --via at any position', () => {
  const cases: readonly (readonly [
    string,
    string | undefined,
    (string | undefined)?,
    (string | undefined)?,
  ])[] = [
    ['status', 'status', undefined],
    ['--json status', 'status', undefined],
    ['--home /tmp/a status --json', 'status', '/tmp/a'],
    ['--home=/tmp/a status', 'status', '/tmp/a'],
    ['--via desk status', 'status', undefined, 'desk'],
    ['inbox list --via=desk --home /tmp/a', 'inbox', '/tmp/a', 'desk'],
    ['inbox search --home /tmp/a stop', 'inbox', '/tmp/a'],
    ['help start', 'start', undefined],
    ['help', undefined, undefined],
    ['--help', undefined, undefined],
    ['-- start', undefined, undefined],
    ['--home', undefined, undefined],
    ['', undefined, undefined],
  ];
  for (const [line, word, home, via] of cases) {
    assert.deepEqual(commandPath(line === '' ? [] : line.split(' ')), { word, home, via }, line);
  }
});
