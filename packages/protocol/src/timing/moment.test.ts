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
  ['1h30m', new Date(NOW.getTime() - 5_400_000)],
  ['now', NOW],
  ['today', new Date(2026, 10, 27)],
  ['Yesterday', new Date(2026, 10, 26)],
  ['9:05', new Date(2026, 10, 27, 9, 5)],
  ['14:30:10', new Date(2026, 10, 27, 14, 30, 10)],
  ['2026-03-01', new Date(2026, 2, 1)],
  ['2026-03-01T10:00', new Date(2026, 2, 1, 10)],
  ['2026-03-01 10:00:30', new Date(2026, 2, 1, 10, 0, 30)],
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
  '1h30',
  '2026-03-01  10:00',
])
  test(`momentOf() does not read ${JSON.stringify(text)}`, () =>
    assert.equal(momentOf(text, NOW), undefined));

test('momentOf() reads every moment in ISO 8601 exactly, and throws for no text', () => {
  const days = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31T00:00:00Z') });
  fc.assert(fc.property(days, (date) => assert.deepEqual(momentOf(date.toISOString(), NOW), date)));
  fc.assert(fc.property(fc.string(), (text) => void momentOf(text, NOW)));
});

test('momentOf() reads local times on days on which the clock changes', (context) => {
  const { TZ } = process.env;
  context.after(() => {
    if (TZ === undefined) delete process.env.TZ;
    else process.env.TZ = TZ;
  });
  process.env.TZ = 'Europe/Berlin';
  const spring = new Date('2026-03-29T12:00:00Z');
  const autumn = new Date('2026-10-25T12:00:00Z');
  for (const [text, now, expected] of [
    ['today', spring, '2026-03-28T23:00:00.000Z'],
    ['1d', spring, '2026-03-28T12:00:00.000Z'],
    ['01:30', spring, '2026-03-29T00:30:00.000Z'],
    ['02:30', spring, '2026-03-29T01:30:00.000Z'],
    ['2026-03-29T02:30', spring, '2026-03-29T01:30:00.000Z'],
    ['today', autumn, '2026-10-24T22:00:00.000Z'],
    ['02:30', autumn, '2026-10-25T00:30:00.000Z'],
    ['2026-10-25 02:30', autumn, '2026-10-25T00:30:00.000Z'],
    ['2026-10-25 02:30+01:00', autumn, '2026-10-25T01:30:00.000Z'],
    ['yesterday', new Date('2026-10-26T12:00:00Z'), '2026-10-24T22:00:00.000Z'],
  ] as const)
    assert.equal(momentOf(text, now)?.toISOString(), expected, text);
});
