import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MessageRefusedError } from '../errors.ts';
import { textOfHtml } from './html-text.ts';
import { parseMail, TEXT_KEPT } from './mail-parser.ts';

const parse = (mail: string, encoding: BufferEncoding = 'utf8') => parseMail(Buffer.from(mail, encoding));

describe('parseMail()', () => {
  test('reads headers, addresses, the date and the text', async () => {
    const mail = await parse(
      [
        'From: =?iso-8859-1?Q?J=FCrgen?= <j@example.org>',
        'To: a@example.org, Team: b@example.org, C <c@example.org>;',
        'Cc: d@example.org',
        'Subject: =?utf-8?B?R3LDvMOfZQ==?= and',
        ' more',
        'Message-ID: <1@example.org>',
        'Date: Thu, 22 Aug 2002 12:36:23 +0200',
        'Content-Type: text/plain; charset=iso-8859-1',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        'Sch=F6n',
      ].join('\r\n'),
    );
    assert.deepEqual(mail, {
      messageId: '<1@example.org>',
      subject: 'Grüße and more',
      sender: 'Jürgen <j@example.org>',
      recipients: 'a@example.org, b@example.org, C <c@example.org>, d@example.org',
      sentAt: Date.UTC(2002, 7, 22, 10, 36, 23),
      text: 'Schön',
      attachments: 0,
    });
  });

  test('reads the text of a message that has only an HTML part', async () => {
    const { text } = await parse(
      'Subject: a\nContent-Type: text/html\n\n<style>x{}</style><p>One <b>two</b></p>',
    );
    assert.equal(text, 'One two');
  });

  test('refuses input without headers', async () => {
    for (const mail of ['', '\n\n', 'hello there', '\0'.repeat(10_000), '{"json": 1}']) {
      await assert.rejects(parse(mail), MessageRefusedError, JSON.stringify(mail.slice(0, 20)));
    }
  });

  test('refuses parts nested 1000 deep, and headers of 10 MB', async () => {
    let nested = '';
    for (let depth = 0; depth < 1_000; depth += 1) {
      nested += `Content-Type: multipart/mixed; boundary=b${depth}\n\n--b${depth}\n`;
    }
    await assert.rejects(parse(`Subject: deep\n${nested}\nend`), /nesting depth/);
    await assert.rejects(parse(`Subject: ${'x'.repeat(10_000_000)}\n\nend`), /header size/i);
  });

  test('keeps the first million characters of a line of 10 MB', async () => {
    const { text } = await parse(`Subject: long\n\n${'x'.repeat(10_000_000)}`);
    assert.equal(text.length, TEXT_KEPT);
  });

  test('treats invalid dates as missing', async () => {
    for (const date of [
      'yesterday',
      '',
      'Thu, 99 Foo 2002',
      '9999999999',
      'Mon, 1 Jan 12345 00:00:00 +0000',
    ]) {
      assert.equal((await parse(`Subject: a\nDate: ${date}\n\nb`)).sentAt, undefined, date);
    }
  });

  test('removes NUL characters and lone surrogates', async () => {
    const { subject, text } = await parse('Subject: a\0b\n\nc\0d');
    assert.deepEqual([subject, text], ['ab', 'cd']);
    const cut = await parse(`Subject: a\n\n${'x'.repeat(TEXT_KEPT - 1)}😀`);
    assert.ok(cut.text.isWellFormed());
  });

  test('reads mail with an unknown charset, broken base64 and a boundary that never ends', async () => {
    for (const mail of [
      'Subject: a\nContent-Type: text/plain; charset=x-klingon\n\nh\xe9llo',
      'Subject: a\nContent-Transfer-Encoding: base64\n\n%%%!!=A=B==C',
      'Subject: a\nContent-Type: multipart/mixed; boundary="x\n\n--x\n\nhalf',
      'Subject: =?utf-8?B?////?= =?bogus?Q?=ZZ?= =?utf-8?X?a?=\n\nb',
      'From: <<<>>> ,,, "unclosed\nTo: (((\nSubject: a\n\nb',
    ]) {
      const parsed = await parse(mail, 'latin1');
      assert.equal(typeof parsed.text, 'string');
    }
  });

  test('parses arbitrary bytes, or refuses them with a reason', async () => {
    const soup = fc
      .array(
        fc.oneof(
          fc.constantFrom(
            'Subject: ',
            'Content-Type: multipart/mixed; boundary=b',
            '\n--b\n',
            '\n--b--\n',
            '\n',
            '=?utf-8?B?',
          ),
          fc.constantFrom(
            'Content-Transfer-Encoding: base64\n',
            'Content-Type: message/rfc822\n\n',
            'To: ',
            'Date: ',
          ),
          fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        ),
        { maxLength: 20 },
      )
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(soup, async (mail) => {
        try {
          const { subject, text } = await parse(mail, 'latin1');
          assert.ok(`${subject}${text}`.isWellFormed());
        } catch (error) {
          assert.ok(error instanceof MessageRefusedError);
          assert.notEqual(error.message, '');
        }
      }),
      { numRuns: 300 },
    );
  });
});

test('textOfHtml() reads a page of blanks in linear time', () => {
  const began = performance.now();
  assert.equal(textOfHtml(`<p>${'\u00a0\r'.repeat(200_000)}x</p>`), 'x');
  assert.ok(performance.now() - began < 2_000);
});

test('textOfHtml() returns the visible text', () => {
  assert.equal(
    textOfHtml(
      '<head><title>no</title></head><h1>Yes &amp; yes</h1>a<br>b<script>no</script><div> c  d </div>',
    ),
    'Yes & yes\na\nb\nc d',
  );
});
