import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMail } from './mail-parser.ts';

const RUSSIAN = 'Привет, вчера мы были на даче и собирали яблоки';
const FRENCH = 'Déjà vu, à bientôt, où êtes-vous allés cet été';

/** Russian text in KOI8-R, which Node can read and not write. */
function koi8(text: string): Buffer {
  const decoder = new TextDecoder('koi8-r');
  const table = new Map(
    Array.from({ length: 256 }, (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte]),
  );
  return Buffer.from([...text].map((character) => table.get(character) ?? 63));
}

test('reads text in a charset that the message does not name, header and body', async () => {
  for (const [name, encoded, expected] of [
    ['KOI8-R', koi8(RUSSIAN), RUSSIAN],
    ['Latin-1', Buffer.from(FRENCH, 'latin1'), FRENCH],
    ['UTF-8', Buffer.from(FRENCH), FRENCH],
  ] as const) {
    const mail = Buffer.concat([
      Buffer.from('Subject: '),
      encoded,
      Buffer.from('\n\n'),
      encoded,
      Buffer.from('\n'),
    ]);
    const { subject, text } = await parseMail(mail);
    assert.deepEqual([subject, text], [expected, expected], name);
  }
});

test('reads a header that is not encoded in the charset that the text names', async () => {
  const mail = Buffer.concat([
    Buffer.from('Subject: '),
    koi8(RUSSIAN),
    Buffer.from('\nContent-Type: text/plain;\n charset="koi8-r"\n\n'),
    koi8(RUSSIAN),
  ]);
  const { subject, text } = await parseMail(mail);
  assert.deepEqual([subject, text], [RUSSIAN, RUSSIAN]);
});

test('joins padded base64 words that split a character', async () => {
  const bytes = Buffer.from('Grüße aus München');
  for (let cut = 1; cut < bytes.length; cut += 1) {
    const words = [bytes.subarray(0, cut), bytes.subarray(cut)].map(
      (part) => `=?UTF-8?B?${part.toString('base64')}?=`,
    );
    const { subject } = await parseMail(Buffer.from(`Subject: ${words.join('\n ')}\n\nx`));
    assert.equal(subject, 'Grüße aus München', `cut at ${cut}`);
  }
});

test('skips text before the header, and reads lines that end with a carriage return alone', async () => {
  for (const before of [
    '',
    '\n\n',
    '\r\n',
    '\u{feff}',
    '\u{feff}\n',
    'Microsoft Mail Internet Headers Version 2.0\r\n',
  ]) {
    const { subject, text } = await parseMail(Buffer.from(`${before}Subject: Lunch\n\nAt noon?\n`));
    assert.deepEqual([subject, text], ['Lunch', 'At noon?'], JSON.stringify(before));
  }
  const { subject, text } = await parseMail(Buffer.from('Subject: Lunch\rTo: a@b\r\rAt noon?\r'));
  assert.deepEqual([subject, text], ['Lunch', 'At noon?']);
});
