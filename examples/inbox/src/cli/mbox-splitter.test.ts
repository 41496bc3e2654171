import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { newlineOf } from './mbox-lines.ts';
import { beginsAsMbox, type FoundMessage, splitMbox } from './mbox-splitter.ts';

const MIB = 1_048_576;
const SEPARATOR = 'From someone@example.org Thu Aug 22 12:36:23 2002';

/** Writes an mbox as mboxrd does: every line that is `From ` after any number of `>` gets one more. */
function writeMbox(messages: readonly Buffer[], newline = '\n'): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => [
      Buffer.from(SEPARATOR + newline),
      Buffer.from(message.toString('latin1').replaceAll(/^(>*From )/gm, '>$1'), 'latin1'),
      Buffer.from(newline),
    ]),
  );
}

async function split(mbox: Buffer | string, chunkBytes = 65_536, maxBytes = MIB): Promise<FoundMessage[]> {
  const bytes = Buffer.from(mbox);
  const newline = newlineOf(bytes.subarray(0, 1_024));
  function* chunks(): Generator<Buffer> {
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  }
  return Array.fromAsync(splitMbox(chunks(), maxBytes, newline));
}

async function texts(mbox: Buffer | string, chunkBytes?: number): Promise<string[]> {
  const found = await split(mbox, chunkBytes);
  return found.map((one) => (one.kind === 'message' ? one.raw.toString('latin1') : `(${one.kind})`));
}

describe('splitMbox()', () => {
  test('returns any list of messages that was written as mbox, for chunks of any size', async () => {
    const line = fc.oneof(
      fc.constantFrom(
        '',
        '\r',
        'From ',
        'From me',
        '>From you',
        '>>From us',
        SEPARATOR,
        `>${SEPARATOR}`,
        'Subject: a',
        'Content-Length: 30',
      ),
      fc
        .uint8Array({ maxLength: 40 })
        .map((bytes) => Buffer.from(bytes).toString('latin1').replaceAll('\n', '')),
    );
    const message = fc
      .array(line, { minLength: 1, maxLength: 12 })
      .map((lines) => Buffer.from(`S: 1\n${lines.join('\n')}\n`, 'latin1'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { maxLength: 6 }),
        fc.integer({ min: 1, max: 80 }),
        async (messages, chunkBytes) => {
          assert.deepEqual(
            await texts(writeMbox(messages), chunkBytes),
            messages.map((bytes) => bytes.toString('latin1')),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('keeps the line ends of a mailbox written with carriage returns', async () => {
    const messages = ['Subject: one\r\n\r\nText\r\n', 'Subject: two\r\n\r\nFrom here on\r\n'].map(
      Buffer.from,
    );
    assert.deepEqual(await texts(writeMbox(messages, '\r\n')), messages.map(String));
  });

  test('accepts a last message without a line end', async () => {
    assert.deepEqual(await texts(`${SEPARATOR}\nSubject: a\n\n${SEPARATOR}\nSubject: b\n\nno end`), [
      'Subject: a\n',
      'Subject: b\n\nno end',
    ]);
  });

  test('leaves an unquoted sentence that begins with From in its message', async () => {
    const mbox = `${SEPARATOR}\nSubject: a\n\nHello\n\nFrom where I stand it is fine.\n\n${SEPARATOR}\nSubject: b\n`;
    assert.equal((await texts(mbox)).length, 2);
  });

  test('begins no message inside a paragraph, even at a line with a date', async () => {
    assert.equal((await texts(`${SEPARATOR}\nSubject: a\n\nquoted:\n${SEPARATOR}\n`)).length, 1);
  });

  test('recognises the separators that mail programs write', async () => {
    for (const separator of [
      'From - Thu Aug 22 12:36:23 2002',
      'From MAILER-DAEMON Fri Jul  8 12:08:34 2011',
      'From 1234567890@xxx Tue Jan 01 00:00:00 +0000 2013',
      'From a@b Thu, 22 Aug 2002 12:36:23 +0200',
      'From  Thu Aug 22 12:36 2002',
      'From "odd name"@host Thu Aug 22 12:36:23 2002 remote from host',
    ]) {
      const mbox = `${separator}\nSubject: a\n\nText\n\n${separator}\nSubject: b\n`;
      assert.deepEqual(await texts(mbox), ['Subject: a\n\nText\n', 'Subject: b\n'], separator);
    }
  });

  test('accepts all separators of a mailbox whose first separator has no date', async () => {
    assert.deepEqual(await texts('From a@b\nSubject: a\n\nFrom c@d\nSubject: b\n'), [
      'Subject: a\n',
      'Subject: b\n',
    ]);
  });

  test('reports the size of a message that exceeds the limit, and continues with the next', async () => {
    const large = Buffer.from(`Subject: large\n\n${'x'.repeat(3 * MIB)}\n`);
    const found = await split(writeMbox([large, Buffer.from('Subject: small\n')]));
    assert.deepEqual(
      found.map(({ kind }) => kind),
      ['too-large', 'message'],
    );
    assert.ok(found[0]?.kind === 'too-large' && found[0].bytes >= large.length);
  });

  test('accepts a message of exactly the limit, and refuses one byte more', async () => {
    const message = (bytes: number): Buffer => Buffer.from(`S: a\n\n${'x'.repeat(bytes - 7)}\n`);
    const found = await split(writeMbox([message(1_000), message(1_001)]), 64, 1_000);
    assert.deepEqual(
      found.map((one) =>
        one.kind === 'message' ? one.raw.length : one.kind === 'too-large' ? -one.bytes : 0,
      ),
      [1_000, -1_001],
    );
  });

  test('does not treat the middle of a line of 10 MB as a line', async () => {
    const line = Buffer.concat([Buffer.alloc(10_000_000 - 6, 'x'), Buffer.from('>From \n')]);
    const mbox = writeMbox([Buffer.concat([Buffer.from('S: a\n\n'), line])]);
    const [found] = await split(mbox, 65_536, 20 * MIB);
    assert.ok(found?.kind === 'message');
    assert.equal(found.raw.length, line.length + 6);
  });

  test('begins a message at a dated separator without a blank line before it, if a header follows', async () => {
    const mbox = [1, 2, 3].map((n) => `${SEPARATOR}\nSubject: ${n}\n\nText ${n}\n`).join('');
    assert.deepEqual(
      await texts(mbox, 7),
      [1, 2, 3].map((n) => `Subject: ${n}\n\nText ${n}\n`),
    );
    assert.equal((await texts(`${mbox}${SEPARATOR}`)).length, 3, 'nothing follows the last one');
    assert.equal((await texts(`${mbox}${SEPARATOR}\nand so on\n`)).length, 3);
  });

  test('skips a byte order mark, and reads files whose lines end with a carriage return alone', async () => {
    const mbox = `${SEPARATOR}\nSubject: a\n\nText\n\n${SEPARATOR}\nSubject: b\n`;
    assert.equal((await texts(`\u{feff}${mbox}`)).length, 2);
    assert.deepEqual(await texts(mbox.replaceAll('\n', '\r'), 5), ['Subject: a\r\rText\r', 'Subject: b\r']);
  });

  test('counts a separator that no message follows', async () => {
    assert.deepEqual(await texts(`${SEPARATOR}\n\n${SEPARATOR}\nSubject: b\n\n${SEPARATOR}\n`), [
      '(empty)',
      'Subject: b\n',
      '(empty)',
    ]);
  });

  test('uses a Content-Length if a separator or the end of the file follows', async () => {
    const body = `Hello\n\n${SEPARATOR}\nSubject: quoted\n\n>From me\n`;
    const message = `Subject: a\nContent-Length: ${body.length}\n\n${body}`;
    const next = 'Subject: b\n';
    for (const chunkBytes of [3, 64, 65_536])
      assert.deepEqual(
        await texts(`${SEPARATOR}\n${message}\n${SEPARATOR}\n${next}\n${SEPARATOR}\n${message}`, chunkBytes),
        [message, next, message],
      );
  });

  test('ignores a Content-Length that points into the middle of a message', async () => {
    for (const length of [25, 60, 61, 10_000, 999_999_999_999]) {
      const first = `Subject: a\nContent-Length: ${length}\n\nHello\n`;
      const second = 'Subject: b\n\nThe second\n';
      const third = 'Subject: c\nContent-Length: 5\n\nThe third\n';
      const mbox = [first, second, third].map((one) => `${SEPARATOR}\n${one}\n`).join('');
      assert.deepEqual(await texts(mbox, 11), [first, second, third], String(length));
    }
  });

  test('omits no byte: for any input the spans cover it without gaps', async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        SEPARATOR,
        'From x',
        '\n',
        '\r\n',
        '\r',
        'A: b\n',
        'Content-Length: 9\n',
        '\n\n',
        '>From ',
      ),
      fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(piece, { maxLength: 40 }),
        fc.integer({ min: 1, max: 90 }),
        async (pieces, chunkBytes) => {
          const bytes = Buffer.from(`${SEPARATOR}\n${pieces.join('')}`, 'latin1');
          const found = await split(bytes, chunkBytes, 60);
          let at = 0;
          for (const { span } of found) {
            assert.equal(span.start, at);
            assert.ok(span.end > at);
            at = span.end;
          }
          assert.equal(at, bytes.length);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('finds nothing in an empty file', async () => {
    assert.deepEqual(await split(''), []);
  });
});

test('beginsAsMbox() skips blank lines at the beginning', () => {
  assert.equal(beginsAsMbox(Buffer.from(`\r\n\n${SEPARATOR}`)), true);
  assert.equal(beginsAsMbox(Buffer.from('From: a@b\n')), false);
});
