import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { momentOf } from './moment.ts';

const NOW = new Date(2026, 10, 27, 12, 30, 15, 250);

for (const [text, expected] of [
  ['10m', new Date(NOW.getTime() - 600_000)],
  ['90s', new Date(NOW.getTime() - 90_000)],
  ['2h', new Date(NOW.getTime() - 7_200_000)],
  ['1w', new Date(NOW.getTime() - 7 * 86_400_000)],
  ['now', NOW],
  ['today', new Date(2026, 10, 27)],
  ['Yesterday', new Date(2026, 10, 26)],
  ['9:05', new Date(2026, 10, 27, 9, 5)],
  ['14:30:10', new Date(2026, 10, 27, 14, 30, 10)],
  ['2026-03-01', new Date(2026, 2, 1)],
  ['2026-03-01T10:00', new Date(2026, 2, 1, 10)],
  ['2026-03-01T10:00:00.5Z', new Date(Date.UTC(2026, 2, 1, 10, 0, 0, 500))],
  ['2026-03-01T10:00:00+02:00', new Date(Date.UTC(2026, 2, 1, 8))],
] as const)
  test(`momentOf() reads ${text}`, () => assert.deepEqual(momentOf(text, NOW), expected));

for (const text of [
  '',
  'm',
  '10',
  '10x',
  '-5m',
  '25:00',
  '12:60',
  '2026-02-31',
  '2026-13-01',
  'tomorrow',
  '1e3s',
])
  test(`momentOf() does not read ${JSON.stringify(text)}`, () =>
    assert.equal(momentOf(text, NOW), undefined));

test('momentOf() reads every moment in ISO 8601 exactly, and throws for no text', () => {
  const days = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T00:00:00Z') });
  fc.assert(fc.property(days, (date) => assert.deepEqual(momentOf(date.toISOString(), NOW), date)));
  fc.assert(fc.property(fc.string(), (text) => void momentOf(text, NOW)));
});
