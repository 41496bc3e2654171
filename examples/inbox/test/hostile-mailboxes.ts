/** Mailboxes of kinds that old disks have, and the result of importing each. The README's table is generated from these. */

const SEPARATOR = 'From a@b Thu Aug 22 12:36:23 2002\n';
const RETURNS = /\n/g;

/** A file or a link of a mailbox. */
export type Entry = string | Buffer | { readonly link: string } | { readonly folder: true };

export interface HostileMailbox {
  readonly name: string;
  /** The result of the import, as in the README's table. */
  readonly does: string;
  /** Names in bytes where they are no UTF-8. */
  readonly files: readonly (readonly [name: string | Buffer, content: Entry])[];
  /** Subjects of the messages that are imported, in any order. */
  readonly imported: readonly string[];
  readonly refused?: number;
  readonly skipped?: number;
  /** A word, and whether a search for it finds a message of this mailbox. */
  readonly finds?: string;
  /** When its only message was sent. */
  readonly sentAt?: string;
}

const mail = (subject: string, text = `Text of ${subject}.`, ...headers: readonly string[]): string =>
  [`Subject: ${subject}`, ...headers, '', text, ''].join('\n');
const mbox = (...messages: readonly string[]): string =>
  messages.map((message) => `${SEPARATOR}${message}\n`).join('');

/** Text of one byte a character, in a charset that Node can read and not write. */
function encoded(text: string, charset: string): Buffer {
  const decoder = new TextDecoder(charset);
  const bytes = new Map(
    Array.from({ length: 256 }, (_, byte) => [decoder.decode(Uint8Array.of(byte)), byte]),
  );
  return Buffer.from([...text].map((character) => bytes.get(character) ?? 0x3f));
}

const one = (
  name: string,
  does: string,
  content: Entry,
  imported: readonly string[],
  rest: Partial<HostileMailbox> = {},
): HostileMailbox => ({ name, does, files: [['box', content]], imported, ...rest });

const dated = (name: string, date: string, sentAt: string | undefined, does: string): HostileMailbox =>
  one(name, does, mail(name, 'x', `Date: ${date}`), [name], sentAt === undefined ? {} : { sentAt });

const RUSSIAN = 'Привет вчера мы были на даче и собирали яблоки';
const NOON = '2002-08-22T12:36:23.000Z';

export const HOSTILE_MAILBOXES: readonly HostileMailbox[] = [
  // The separation of messages in an mbox.
  one(
    'no-blank-lines',
    'split: a dated separator that a header follows needs no blank line',
    [1, 2, 3].map((n) => `${SEPARATOR}${mail(`no-blank-${n}`)}`).join(''),
    ['no-blank-1', 'no-blank-2', 'no-blank-3'],
  ),
  one(
    'no-blank-but-prose',
    'one message: no header follows what looks like a separator',
    `${SEPARATOR}${mail('prose', `quoted:\n${SEPARATOR}and so on`)}`,
    ['prose'],
  ),
  one(
    'from-in-prose',
    'one message: a sentence that begins with From bears no date',
    mbox(mail('sentence', 'Hello.\n\nFrom here on it rains.')),
    ['sentence'],
  ),
  one(
    'quoted-from',
    'the quoting of From lines is undone',
    mbox(mail('quoted', '>From me to you\n>>From you')),
    ['quoted'],
    { finds: 'quoted' },
  ),
  one(
    'undated-separators',
    'split at each From line, since the first bears no date',
    `From a@b\n${mail('undated-1')}\nFrom a@b\n${mail('undated-2')}`,
    ['undated-1', 'undated-2'],
  ),
  one('byte-order-mark', 'the mark is skipped', `\u{feff}${mbox(mail('mark-1'), mail('mark-2'))}`, [
    'mark-1',
    'mark-2',
  ]),
  one(
    'blank-lines-first',
    'blank lines before the first separator are skipped',
    `\n\r\n\n${mbox(mail('blank-first'))}`,
    ['blank-first'],
  ),
  one(
    'lone-returns',
    'lines that end with a carriage return alone are lines',
    mbox(mail('return-1'), mail('return-2')).replace(RETURNS, '\r'),
    ['return-1', 'return-2'],
    { finds: 'return-2' },
  ),
  one(
    'returns-and-feeds',
    'lines that end with both are lines',
    mbox(mail('crlf-1'), mail('crlf-2')).replace(RETURNS, '\r\n'),
    ['crlf-1', 'crlf-2'],
  ),
  one('no-end-of-line', 'the last line needs no end', mbox(mail('no-end')).trimEnd(), ['no-end']),
  one(
    'empty-between',
    'a separator that nothing follows is counted',
    `${SEPARATOR}\n${mbox(mail('after-empty'))}`,
    ['after-empty'],
    { skipped: 1 },
  ),
  one(
    'only-separators',
    'separators without messages are counted, exit code 1',
    SEPARATOR.repeat(3).replaceAll('\n', '\n\n'),
    [],
    { skipped: 3 },
  ),
  one('mozilla-separator', 'Mozilla names no address', mbox(mail('mozilla')).replaceAll('a@b', '-'), [
    'mozilla',
  ]),
  one(
    'separator-with-zone',
    'a zone in the separator is none of its business',
    mbox(mail('zone')).replaceAll('2002', '+0200 2002'),
    ['zone'],
  ),
  one(
    'too-large-between',
    'too large is refused, what follows is imported',
    mbox(mail('before-large'), mail('large', 'x'.repeat(1_100_000)), mail('after-large')),
    ['before-large', 'after-large'],
    { refused: 1 },
  ),
  one(
    'no-headers-between',
    'what has no header is refused',
    mbox(mail('with-header'), 'no header at all\n'),
    ['with-header'],
    { refused: 1 },
  ),
  one(
    'content-length-2',
    'mboxcl2: what lies within the announced length begins no message',
    (() => {
      const body = `Hello\n\n${SEPARATOR}Subject: not one\n\nBye\n`;
      return mbox(
        mail('length', '').replace('\n\n\n', `\nContent-Length: ${body.length}\n\n${body}`),
        mail('after-length'),
      );
    })(),
    ['length', 'after-length'],
  ),
  one(
    'content-length-lies',
    'a length that leads into a message is not believed',
    mbox(`Subject: lies-1\nContent-Length: 90\n\nHello\n`, mail('lies-2'), mail('lies-3')),
    ['lies-1', 'lies-2', 'lies-3'],
  ),
  one(
    'content-length-endless',
    'nor is one beyond the end of the file',
    mbox(`Subject: endless-1\nContent-Length: 900000\n\nHello\n`, mail('endless-2')),
    ['endless-1', 'endless-2'],
  ),
  one(
    'content-length-absurd',
    'nor one beyond the limit',
    mbox(`Subject: absurd-1\nContent-Length: 999999999999\n\nHello\n`, mail('absurd-2')),
    ['absurd-1', 'absurd-2'],
  ),
  one('long-line', 'a line of 900 000 characters is a line', mbox(mail('long-line', 'x'.repeat(900_000))), [
    'long-line',
  ]),
  // Marks of mail programs.
  one(
    'mozilla-deleted',
    'Thunderbird’s deleted messages are skipped',
    mbox(mail('kept', 'x', 'X-Mozilla-Status: 0001'), mail('gone', 'x', 'X-Mozilla-Status: 0009')),
    ['kept'],
    { skipped: 1 },
  ),
  one(
    'mutt-deleted',
    'mutt’s deleted messages are skipped',
    mbox(mail('mutt-kept', 'x', 'X-Status: A'), mail('mutt-gone', 'x', 'X-Status: AD')),
    ['mutt-kept'],
    { skipped: 1 },
  ),
  one(
    'deleted-in-text',
    'a mark in the text is no mark',
    mbox(mail('mark-in-text', 'X-Mozilla-Status: 0009')),
    ['mark-in-text'],
  ),
  {
    name: 'maildir-trashed',
    does: 'a Maildir’s trashed messages are skipped',
    files: [
      ['1.host:2,S', mail('maildir-kept')],
      ['2.host:2,ST', mail('maildir-gone')],
    ],
    imported: ['maildir-kept'],
    skipped: 1,
  },
  // Other forms of files.
  {
    name: 'apple-emlx',
    does: 'Apple’s length and property list are left out',
    files: [
      [
        '1.emlx',
        `${mail('apple').length}\n${mail('apple')}<?xml version="1.0"?><plist><dict><key>flags</key><integer>8590195713</integer></dict></plist>`,
      ],
    ],
    imported: ['apple'],
  },
  {
    name: 'apple-deleted',
    does: 'Apple’s deleted messages are skipped',
    files: [
      [
        '2.emlx',
        `${mail('apple-gone').length}\n${mail('apple-gone')}<plist><dict><key>flags</key>\n<integer>3</integer></dict></plist>`,
      ],
    ],
    imported: [],
    skipped: 1,
  },
  {
    name: 'apple-cut',
    does: 'an .emlx file that lacks bytes is refused',
    files: [['3.emlx', `5000\n${mail('apple-cut')}`]],
    imported: [],
    refused: 1,
  },
  one(
    'blank-before-header',
    'blank lines before the header are skipped',
    `\n\n${mail('blank-header')}`,
    ['blank-header'],
    { finds: 'blank-header' },
  ),
  one(
    'microsoft-line',
    'Microsoft’s first line is skipped',
    `Microsoft Mail Internet Headers Version 2.0\r\n${mail('microsoft')}`,
    ['microsoft'],
  ),
  one('eml-byte-order-mark', 'the mark is skipped', `\u{feff}${mail('eml-mark')}`, ['eml-mark']),
  one(
    'eml-lone-returns',
    'lines that end with a carriage return alone are lines',
    mail('eml-return').replace(RETURNS, '\r'),
    ['eml-return'],
    { finds: 'eml-return' },
  ),
  one('header-only', 'a message without a body is one', 'Subject: header-only\n', ['header-only']),
  {
    name: 'no-mail',
    does: 'files that do not begin like mail are skipped',
    files: [
      ['a.json', '{"Subject": 1}'],
      ['b.bin', Buffer.from([0, 1, 2, 255])],
      ['c.gz', Buffer.from([0x1f, 0x8b, 8, 0])],
    ],
    imported: [],
    skipped: 3,
  },
  {
    name: 'empty-files',
    does: 'empty files are skipped',
    files: [
      ['a.eml', ''],
      ['b.mbox', ''],
    ],
    imported: [],
    skipped: 2,
  },
  { name: 'nothing-at-all', does: 'an empty folder is no failure', files: [], imported: [] },
  {
    name: 'no-headers',
    does: 'a file that is not mail is skipped, exit code 1',
    files: [['letter', 'Dear Sir,\n']],
    imported: [],
    skipped: 1,
  },
  // Folders.
  {
    name: 'circle',
    does: 'links in a circle end',
    files: [
      ['a', { link: '.' }],
      ['b', { link: '.' }],
      ['mail.eml', mail('circle')],
    ],
    imported: ['circle'],
    skipped: 2,
  },
  {
    name: 'circle-below',
    does: 'links to a folder above end',
    files: [
      ['sub', { folder: true }],
      [`sub/up`, { link: '..' }],
      ['sub/mail.eml', mail('circle-below')],
    ],
    imported: ['circle-below'],
    skipped: 1,
  },
  {
    name: 'link-to-file',
    does: 'a link to a file is followed, and a file read once',
    files: [
      ['real.eml', mail('linked')],
      ['same.eml', { link: 'real.eml' }],
    ],
    imported: ['linked'],
    skipped: 1,
  },
  {
    name: 'link-to-folder',
    does: 'a link to a folder is followed, and a folder read once',
    files: [
      ['real', { folder: true }],
      ['real/mail.eml', mail('folder-linked')],
      ['zz', { link: 'real' }],
    ],
    imported: ['folder-linked'],
    skipped: 1,
  },
  {
    name: 'dangling',
    does: 'a link that leads nowhere is skipped',
    files: [
      ['nowhere', { link: 'missing' }],
      ['mail.eml', mail('dangling')],
    ],
    imported: ['dangling'],
    skipped: 1,
  },
  {
    name: 'hidden',
    does: 'hidden files are skipped, hidden folders are read',
    files: [
      ['.DS_Store', 'x'],
      ['.Sent', { folder: true }],
      ['.Sent/mail.eml', mail('hidden-folder')],
    ],
    imported: ['hidden-folder'],
    skipped: 1,
  },
  {
    name: 'names-of-bytes',
    does: 'names that are no UTF-8 are read',
    files: [
      [Buffer.from([0x67, 0x72, 0xfc, 0xdf, 0x65]), mail('bytes-name')],
      [Buffer.from([0xff, 0xfe]), mail('bytes-name-2')],
    ],
    imported: ['bytes-name', 'bytes-name-2'],
  },
  {
    name: 'names-of-controls',
    does: 'control characters in names stay off the terminal',
    files: [['a\u001b[2Jb\nc', mail('control-name')]],
    imported: ['control-name'],
  },
  // Dates.
  dated('date-cest', 'Thu, 22 Aug 2002 14:36:23 CEST', NOON, 'a zone by its letters is known'),
  dated('date-unknown-zone', 'Thu, 22 Aug 2002 12:36:23 QQT', NOON, 'an unknown zone counts as UTC'),
  dated('date-no-zone', 'Thu, 22 Aug 2002 12:36:23', NOON, 'no zone counts as UTC, never as the machine’s'),
  dated(
    'date-two-digits',
    '22 Aug 02 12:36:23 GMT',
    NOON,
    'a year of two digits is of this or the last century',
  ),
  dated('date-asctime', 'Thu Aug 22 12:36:23 2002', NOON, 'asctime() is a date'),
  dated('date-never', 'yesterday', undefined, 'what is no date is none'),
  dated('date-31-february', 'Sun, 31 Feb 2002 12:00:00 +0000', undefined, 'a day that there is not is none'),
  // Charsets and encodings.
  one(
    'latin-1-raw',
    'a charset that is not named is guessed',
    Buffer.from('Subject: latin-raw\n\nDéjà vu à bientôt où êtes-vous\n', 'latin1'),
    ['latin-raw'],
    { finds: 'bientôt' },
  ),
  one(
    'koi8-r-raw',
    'a charset that is not named is guessed',
    Buffer.concat([Buffer.from('Subject: koi-raw\n\n'), encoded(RUSSIAN, 'koi8-r')]),
    ['koi-raw'],
    { finds: 'яблоки' },
  ),
  one(
    'windows-1251-raw',
    'a charset that is not named is guessed',
    Buffer.concat([
      Buffer.from('Subject: cp1251-raw\n\n'),
      encoded(`${RUSSIAN}. ${RUSSIAN}`, 'windows-1251'),
    ]),
    ['cp1251-raw'],
    { finds: 'вчера' },
  ),
  one(
    'utf-8-raw',
    'UTF-8 without a name is UTF-8',
    'Subject: utf-raw ☃\n\nSchneemänner überall\n',
    ['utf-raw ☃'],
    { finds: 'Schneemänner' },
  ),
  one(
    'split-character',
    'padded base64 words that split a character are joined',
    mail(
      `${['=?UTF-8?B?', '=?UTF-8?B?']
        .map(
          (start, n) =>
            `${start}${Buffer.from('Grüße')
              .subarray(n * 3, n === 0 ? 3 : undefined)
              .toString('base64')}?=`,
        )
        .join(' ')}`,
    ),
    ['Grüße'],
  ),
  one(
    'unknown-charset',
    'an unknown charset is read as Windows’',
    'Subject: klingon\nContent-Type: text/plain; charset=x-klingon\n\nqapla\n',
    ['klingon'],
    { finds: 'qapla' },
  ),
  one(
    'broken-base64',
    'broken base64 is read as far as it goes',
    mail('broken-base64', '%%%!!=A=B==C', 'Content-Transfer-Encoding: base64'),
    ['broken-base64'],
  ),
  // Parts.
  one(
    'useless-plain-part',
    'the page is read where the plain part only says that there is one',
    [
      'Subject: useless-plain',
      'Content-Type: multipart/alternative; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'Please view as HTML.',
      '--b',
      'Content-Type: text/html',
      '',
      `<p>The meeting is moved to the greenhouse. ${'More text. '.repeat(20)}</p>`,
      '--b--',
      '',
    ].join('\n'),
    ['useless-plain'],
    { finds: 'greenhouse' },
  ),
  one(
    'attached-message',
    'the text of an attached message is found',
    [
      'Subject: outer',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      '',
      'See below.',
      '--b',
      'Content-Type: message/rfc822',
      'Content-Disposition: attachment',
      '',
      'Subject: inner',
      '',
      'A platypus appears.',
      '--b--',
      '',
    ].join('\n'),
    ['outer'],
    { finds: 'platypus' },
  ),
  one(
    'boundary-never-ends',
    'a boundary that never ends is read to the end',
    'Subject: endless-boundary\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nhalf a marmot\n',
    ['endless-boundary'],
    { finds: 'marmot' },
  ),
  one(
    'nested-too-deep',
    'parts nested beyond 100 are refused',
    `Subject: deep\n${Array.from({ length: 150 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`).join('')}\nend`,
    [],
    { refused: 1 },
  ),
  // Scripts.
  one(
    'japanese',
    'a word within a clause is found',
    mail('japanese', '明日の会議は三時からです'),
    ['japanese'],
    { finds: '会議' },
  ),
  one(
    'chinese',
    'a word within a clause is found',
    mail('chinese', '我们明天下午在图书馆见面'),
    ['chinese'],
    { finds: '图书馆' },
  ),
  one(
    'korean',
    'a word with a particle is found',
    mail('korean', '내일 회의는 세 시에 시작합니다'),
    ['korean'],
    { finds: '회의' },
  ),
  one('thai', 'a word within a clause is found', mail('thai', 'ประชุมวันพรุ่งนี้เวลาบ่ายสามโมง'), ['thai'], {
    finds: 'พรุ่งนี้',
  }),
  one('hindi', 'a word with vowel signs is one word', mail('hindi', 'कल हिन्दी की बैठक है'), ['hindi'], {
    finds: 'हिन्दी',
  }),
  one('nul-in-text', 'NUL is left out of what is searched', mail('nul', 'a cor\0morant'), ['nul'], {
    finds: 'cormorant',
  }),
];
