import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nobleSuite } from '@aico/protocol/channel/noble';
import { sodiumSuite } from '@aico/protocol/channel/node';
import { RENEW_AFTER_BYTES, RENEW_AFTER_RECORDS } from '../src/channel/records/record.ts';
import { readDocument, withExample, workedExample } from './sealed-channel-example.ts';

test('the worked example of docs/sealed-channel.md equals the output of both suites', () => {
  const document = readDocument();
  for (const suite of [sodiumSuite, nobleSuite])
    assert.equal(
      withExample(document, workedExample(suite)),
      document,
      'run node packages/protocol/test/sealed-channel-example.ts --write, where the change is meant',
    );
  assert.notEqual(withExample(document, 'x'), document, 'the document has a place for it');
});

test('the constants of docs/sealed-channel.md equal those of the code', () => {
  const document = readDocument().replaceAll(',', '');
  for (const number of [RENEW_AFTER_RECORDS, RENEW_AFTER_BYTES])
    assert.ok(document.includes(String(number)), String(number));
});
