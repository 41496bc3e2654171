import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { through } from '../../../test/fixtures/capture-lines.ts';
import { isCardNumber } from './card-numbers.ts';
import { createLogging } from './index.ts';
import { type RedactionRules, redactor } from './secret-shapes.ts';

const redact = redactor({});

const characters = (set: string, minLength: number, maxLength = minLength) =>
  fc.array(fc.constantFrom(...set), { minLength, maxLength }).map((parts) => parts.join(''));
const WORD = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ0123456789';
const digits = (length: number) => characters('0123456789', length);

/** Digits whose last one makes the check digit right. */
function withCheckDigit(start: string): string {
  for (let last = 0; last < 10; last += 1) if (isCardNumber(`${start}${last}`)) return `${start}${last}`;
  throw new Error(`${start} belongs to no scheme`);
}

const card = fc
  .oneof(
    digits(14).map((rest) => withCheckDigit(`4${rest}`)),
    digits(13).map((rest) => withCheckDigit(`52${rest}`)),
    digits(12).map((rest) => withCheckDigit(`37${rest}`)),
    digits(11).map((rest) => withCheckDigit(`6011${rest}`)),
  )
  .chain((number) =>
    fc.constantFrom(
      number,
      number.length === 16 ? (number.match(/.{4}/g) ?? []).join(' ') : number,
      number.length === 16 ? (number.match(/.{4}/g) ?? []).join('-') : number,
      number.length === 15 ? number.replace(/^(.{4})(.{6})/, '$1 $2 ') : number,
    ),
  );

/** Secrets by rule, each with the part that must not be seen. */
const SECRETS: Record<
  Exclude<keyof RedactionRules, 'names'>,
  fc.Arbitrary<{ text: string; secret: string }>
> = {
  tokens: fc.oneof(
    ...[
      characters(`${WORD}_-`, 20, 60).map((body) => `eyJ${body}.${body}.${body}`),
      characters(WORD, 36).map((body) => `ghp_${body}`),
      characters(WORD, 40).map((body) => `github_pat_${body}`),
      characters(WORD, 24).map((body) => `sk_live_${body}`),
      characters(WORD, 40).map((body) => `sk-proj-${body}`),
      characters(WORD, 24).map((body) => `xoxb-${body}`),
      characters('ABCDEFGHIJKLMNOP0123456789', 16).map((body) => `AKIA${body}`),
      characters(WORD, 35).map((body) => `AIza${body}`),
      characters(WORD, 36).map((body) => `npm_${body}`),
      characters(WORD, 36).map((body) => `hf_${body}`),
      characters(WORD, 20).map((body) => `glrt-1${body}`),
      characters(WORD, 24).map((body) => `whsec_${body}`),
      characters(WORD, 24).map((body) => `xapp-1-${body}`),
      characters(WORD, 40).map((body) => `ya29.${body}`),
      characters(WORD, 28).map((body) => `GOCSPX-${body}`),
    ].map((token) => token.map((secret) => ({ text: secret, secret }))),
    characters(WORD, 20, 60).map((body) => ({ text: `Bearer a1${body}`, secret: `a1${body}` })),
    fc.string({ minLength: 8, maxLength: 40 }).map((plain) => {
      const secret = Buffer.from(`u1:${plain}`).toString('base64');
      return { text: `Authorization: Basic ${secret}`, secret };
    }),
  ),
  assignments: characters(WORD, 6, 40).chain((secret) =>
    fc
      .constantFrom(
        `password=${secret}`,
        `/callback?state=x&access_token=${secret}&x=1`,
        `--api-key=${secret} --port=80`,
        `DB_PASSWORD="${secret} ${secret}"`,
        `{"user":"anna","clientSecret": "${secret}\\"x"}`,
        `postgres://anna:${secret}@db.local/notes`,
        `postgres://anna:p@${secret}@db.local/notes`,
        `pwd=${secret}`,
        `pin: '${secret}'`,
        `?authorization=${secret}`,
        `user[password]=${secret}&x=1`,
        `next%3Fjwt%3D${secret}`,
        `recovery_code = "${secret}"`,
        `{ password: '${secret}' }`,
        `{'otp': '${secret}'}`,
        `{"passcode":\n  "${secret}"}`,
        JSON.stringify(JSON.stringify({ user: 'anna', password: `"${secret}` })),
        `Cookie: theme=dark; sid=${secret}`,
        `Set-Cookie: sid=${secret}; Path=/`,
        `{"token":${secret}}`,
        `password: a1${secret}`,
        `X-Api-Key: a1${secret}`,
        `Authorization: a1${secret}`,
        `login --password a1${secret} --port 80`,
        `<user>anna</user><password>${secret}</password>`,
      )
      .map((text) => ({ text, secret })),
  ),
  privateKeys: characters(`${WORD}+/\n`, 40, 400).chain((secret) =>
    fc
      .constantFrom('RSA PRIVATE KEY', 'PRIVATE KEY', 'OPENSSH PRIVATE KEY', 'EC PRIVATE KEY')
      .chain((kind) =>
        fc.constantFrom(
          { text: `-----BEGIN ${kind}-----\n${secret}\n-----END ${kind}-----`, secret },
          { text: `-----BEGIN ${kind}-----\n${secret}`, secret },
        ),
      ),
  ),
  cards: card.map((secret) => ({ text: secret, secret })),
};

const before = fc.constantFrom('', ' ', 'before ', '"', '(', '\n', 'x=', ': ', 'ü ');
const behind = fc.constantFrom('', ' ', ' behind', '"', ')', '\n', '. ', ', x', ' ü');

describe('redaction by form', () => {
  for (const [rule, secrets] of Object.entries(SECRETS))
    test(`${rule}: no secret of such a form stays, wherever it stands; turned off, all do`, () => {
      const off = redactor({ [rule]: false });
      const others = redactor(Object.fromEntries(Object.keys(SECRETS).map((each) => [each, each === rule])));
      fc.assert(
        fc.property(secrets, before, behind, ({ text, secret }, front, back) => {
          const whole = `${front}${text}${back}`;
          for (const each of [redact, others])
            assert.ok(!each(whole).includes(secret), `${whole} -> ${each(whole)}`);
          assert.match(redact(whole), /\[redacted\]/);
          if (rule !== 'tokens' && rule !== 'assignments') assert.ok(off(whole).includes(secret));
        }),
        { numRuns: 300 },
      );
    });

  test('in messages, values at any depth, names, errors, stacks and causes, and numbers', () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    const number = 4_111_111_111_111_111;
    const error = new Error(`refused ${token}`, { cause: new Error(`because of ${token}`) });
    const fields = { deep: [{ x: token }], [`by ${token}`]: 1, map: new Map([['k', token]]), error, number };
    const text = JSON.stringify(through(fields));
    assert.ok(!text.includes(token) && !text.includes(String(number)), text);
    const logging = createLogging({ console: { enabled: false } });
    logging.getLogger('s', 'c').info(`Got ${token}`);
    assert.equal(logging.queue.peekUnreleased(0)?.record.message, 'Got [redacted]');
  });

  test('a secret that reaches across the bound of a text is not cut in half and shown', () => {
    const token = `ghp_${'a1B2'.repeat(9)}`;
    for (let before = 8_100; before < 8_200; before += 7) {
      const { value } = through({ value: `${'x '.repeat(before / 2)}${token} ${'y '.repeat(5_000)}` });
      assert.ok(!String(value).includes('a1B2'), String(before));
    }
  });

  test('every rule can be turned off for a logging service', () => {
    const fields = { password: 'p', text: 'password=abc', card: '4111 1111 1111 1111', token: 'x' };
    const logging = createLogging({
      console: { enabled: false },
      redaction: { names: false, tokens: false, assignments: false, privateKeys: false, cards: false },
    });
    logging.getLogger('s', 'c').info('m', fields);
    assert.deepEqual(logging.queue.peekUnreleased(0)?.record.fields, fields);
  });
});

describe('what is no secret stays', () => {
  const TEXTS = [
    'Processing request a81bc81b-dead-4e5d-abff-90865d1e13b1',
    '12345678-1234-4123-8123-123456789012',
    'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    '2026-11-27T20:00:00.000Z 2026-11-27 20:00:00',
    '1764273600000 1764273600123456',
    'Basic authentication is not offered. Bearer tokens are. Basic authentication.',
    'The token was refused: 3 tokens are left',
    'password must have 12 characters; the secret is out',
    'token == undefined',
    'Listening at http://127.0.0.1:8771/api/v1/health?verbose=1',
    'https://example.org/a@b see user@example.org',
    'skipped sk-1, task-force and risk-adjusted-return-on-capital',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----',
    'order 4111111111111112 and 1234 5678 9012 3456',
    '3.4111111111111111 and 0x4111111111111111',
    '+49 170 1234567, 0800 123 4567 890',
    'eyJ is how JSON begins in Base64; eyJhbGciOi alone',
    'xoxo-hugs and AKIA',
    'tokens=512 max_tokens=100&token_count=5 {"promptTokens": 512}',
    'secretary=Anna tokenizer=bpe passwordless=yes hasPassword=true password=null',
    `{"secretary":"Anna","tokenizer":'bpe'} { cookieConsent: 'yes' }`,
    'const token = await next(); token => x; token ?? y',
    'npm_package_devDependencies_typescript_x npm_config_global_ignore_file_path',
    'sk-loading-indicator-wrapper hf_hub_download_with_some_long_name glob-pattern-of-the-files',
    'Password: required. Token: expired. secret: see below',
    'Use --password-file FILE or --token to log in, <token> is yours and <token> mine',
    'TypeError: cannot read 3 properties; took: 1234567 ms, x-request-id: a81bc81b',
    'The cookie: a small text. password: at least 12 characters',
    'at Object.<anonymous> (file:///srv/aico/packages/shared/src/core/logging/secret-shapes.ts:41:17)',
  ];
  for (const text of TEXTS) test(JSON.stringify(text).slice(0, 60), () => assert.equal(redact(text), text));

  test('names that only look secret, and counts of tokens', () => {
    const fields = {
      secretary: 'Anna',
      tokenizer: 'bpe',
      promptTokens: 512,
      max_tokens: 1_000,
      failedPasswordAttempts: 3,
      author: 'x',
      monkey: 'y',
      pinned: 'z',
      keyboard: 'qwertz',
      passwordless: 'yes',
      hash: 'abc',
    };
    assert.deepEqual(through(fields), fields);
    assert.deepEqual(through({ tokens: ['canary'], maxTokens: 'canary' }), {
      tokens: '[redacted]',
      maxTokens: '[redacted]',
    });
  });

  test('ids, times, words, paths and numbers, in any mixture', () => {
    const harmless = fc.oneof(
      fc.uuid(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.integer().map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      characters('0123456789abcdef', 64),
      characters('abcdefghijklmnopqrstuvwxyz', 1, 12),
      fc.emailAddress(),
      fc
        .array(characters('abcdefghijklmnopqrstuvwxyz', 1, 8), { minLength: 1 })
        .map((all) => `/${all.join('/')}`),
      fc.tuple(fc.nat(99), fc.nat(99), fc.nat(99)).map((all) => `v${all.join('.')}`),
      fc.ipV4(),
    );
    const separators = fc.constantFrom(' ', ', ', ': ', ' - ', '; ', '\n');
    fc.assert(
      fc.property(fc.array(harmless, { minLength: 1, maxLength: 12 }), separators, (parts, separator) => {
        const text = parts.join(separator);
        assert.equal(redact(text), text);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('no text takes long to be looked at', () => {
  const parts = [
    'eyJ',
    'a-',
    'password',
    'Bearer ',
    '://a:',
    '4111 ',
    '"',
    '=',
    '-----BEGIN PRIVATE KEY',
    'token=',
  ];
  for (const part of parts) {
    const text = part.repeat(12_000 / part.length);
    const start = performance.now();
    redact(text);
    redact(`${text}=x`);
    // A pattern that backtracks needs seconds to minutes for 12,000 characters.
    assert.ok(performance.now() - start < 2_000, part);
  }
});
