import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MessageRefusedError } from '../errors.ts';
import { MailReader } from './mail-reader.ts';

const mail = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const ofParts = (parts: number): Uint8Array =>
  mail(`Subject: slow\nContent-Type: multipart/mixed; boundary=x\n\n${'--x\n\na\n'.repeat(parts)}`);
/** Small, and takes the parser many seconds: a part for every seven bytes. */
const SLOW = ofParts(400_000);

describe('MailReader', () => {
  test('reads several messages concurrently, and returns the result of each to its caller', async () => {
    await using reader = new MailReader();
    const subjects = Array.from({ length: 20 }, (_, index) => `number ${index}`);
    const read = await Promise.all(subjects.map((subject) => reader.read(mail(`Subject: ${subject}\n\nx`))));
    assert.deepEqual(
      read.map(({ subject }) => subject),
      subjects,
    );
  });

  test('parses other messages on another thread while a slow one is parsed', async () => {
    await using reader = new MailReader({ threads: 2 });
    const ended: string[] = [];
    const messages = [
      ofParts(15_000),
      ...['one', 'two', 'three'].map((each) => mail(`Subject: ${each}\n\nx`)),
    ];
    await Promise.all(messages.map((each) => reader.read(each).then(({ subject }) => ended.push(subject))));
    assert.deepEqual(ended, ['one', 'two', 'three', 'slow']);
  });

  test('refuses input that is not mail, with the reason', async () => {
    await using reader = new MailReader();
    await assert.rejects(reader.read(mail('not mail')), /it has no headers/);
  });

  test('refuses a message that takes too long, and reads the next', async () => {
    await using reader = new MailReader({ timeoutMs: 5_000 });
    await assert.rejects(reader.read(SLOW), (error) => {
      assert.ok(error instanceof MessageRefusedError);
      assert.match(error.message, /more than 5 s/);
      return true;
    });
    assert.equal((await reader.read(mail('Subject: next\n\nx'))).subject, 'next');
  });

  test('refuses a message that takes too much memory, and reads the next', async () => {
    await using reader = new MailReader({ memoryMib: 48 });
    await assert.rejects(reader.read(SLOW), /memory/);
    assert.equal((await reader.read(mail('Subject: next\n\nx'))).subject, 'next');
  });

  test('ends its threads when there is nothing to do, and starts new ones for the next message', async () => {
    await using reader = new MailReader({ idleMs: 1 });
    await reader.read(mail('Subject: one\n\nx'));
    while (reader.threads > 0) await nextTurn();
    assert.equal((await reader.read(mail('Subject: two\n\nx'))).subject, 'two');
  });

  test('finishes pending messages before it is disposed of', async () => {
    const reader = new MailReader();
    const reading = reader.read(mail('Subject: last\n\nx'));
    await reader[Symbol.asyncDispose]();
    assert.equal((await reading).subject, 'last');
  });
});
