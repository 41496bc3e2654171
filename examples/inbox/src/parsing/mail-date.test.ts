import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dateOf } from './mail-date.ts';

const NOON_UTC = Date.UTC(2002, 7, 22, 12, 36, 23);
const HOUR = 3_600_000;

test('reads zones given by letters, and uses UTC for an unknown or missing zone', () => {
  for (const [zone, hoursEast] of [
    ['', 0],
    ['+0200', 2],
    ['-0730', -7.5],
    ['+02:00', 2],
    ['GMT+0200', 2],
    ['CEST', 2],
    ['CET', 1],
    ['MESZ', 2],
    ['(CEST)', 2],
    ['GMT', 0],
    ['EDT', -4],
    ['JST', 9],
    ['IST', 5.5],
    ['-0000', 0],
    ['XYZ', 0],
    ['A', 0],
    ['+9900', 0],
    ['+0200 (CEST)', 2],
    ['constructor', 0],
  ] as const)
    assert.equal(dateOf(`Thu, 22 Aug 2002 12:36:23 ${zone}`), NOON_UTC - hoursEast * HOUR, zone);
});

test('reads the date formats of old mailboxes', () => {
  for (const text of [
    '22 Aug 2002 12:36:23',
    '22 Aug 02 12:36:23 GMT',
    '22 Aug 102 12:36:23 GMT',
    'Thu,22 August 2002 12:36:23 +0000',
    'Thu, 22-Aug-2002 12:36:23 GMT',
    'Thu, 22 Aug 2002 12.36.23 UT',
    'Thu Aug 22 12:36:23 2002',
    'Thu Aug 22 12:36:23 GMT 2002',
    'Thu Aug 22 14:36:23 +0200 2002',
    '2002-08-22T12:36:23Z',
    '2002-08-22 14:36:23 +0200',
    '  Thu,  22  Aug  2002  12:36:23  +0000  ',
  ])
    assert.equal(dateOf(text), NOON_UTC, text);
  assert.equal(dateOf('1 Jan 1998 00:00 +0100'), Date.UTC(1997, 11, 31, 23));
});

test('returns undefined for text that is not a date', () => {
  for (const text of [
    '',
    'yesterday',
    'Thu, 99 Foo 2002',
    '31 Feb 2002 12:00:00 +0000',
    '22 Aug 2002 25:00:00 +0000',
    '22 Aug 2002 12:60:00 +0000',
    '9999999999',
    'Mon, 1 Jan 12345 00:00:00 +0000',
    'Thu, 22 Foo 2002 12:36:23 +0000',
    '1 Jan 1901 00:00:00 +0000',
  ])
    assert.equal(dateOf(text), undefined, text);
});

test('reads every date in every zone exactly, independently of the zone of the machine', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(2 * 86_400_000), max: new Date(Date.UTC(2199, 11, 30)), noInvalidDate: true }),
      fc.integer({ min: -14 * 60, max: 14 * 60 }),
      (moment, minutes) => {
        const seconds = Math.floor(moment.getTime() / 1_000) * 1_000;
        const local = new Date(seconds + minutes * 60_000).toUTCString().replace(/ GMT$/, '');
        const size = Math.abs(minutes);
        const two = (n: number): string => String(n).padStart(2, '0');
        const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`;
        assert.equal(dateOf(`${local} ${zone}`), seconds);
      },
    ),
  );
});
