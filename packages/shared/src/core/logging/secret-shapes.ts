import { CARD_LIKE, isCardNumber } from './card-numbers.ts';
import { isSecret, judgeName, REDACTED } from './field-names.ts';

/** The rules of redaction, each of which may be turned off. Values of the type `Secret` are redacted in any case. */
export interface RedactionRules {
  /** Values of fields whose names say that they are secret, at any depth. Default `true`. */
  readonly names?: boolean;
  /** Tokens that are known by their form: JSON Web Tokens, `Bearer` and `Basic` credentials, keys of common services. Default `true`. */
  readonly tokens?: boolean;
  /** The values in `password=…`, `"token":"…"` and `Cookie: …`, and the password of a URL, within a text. Default `true`. */
  readonly assignments?: boolean;
  /** Blocks of PEM that hold a private key. Default `true`. */
  readonly privateKeys?: boolean;
  /** Numbers of payment cards. Default `true`. */
  readonly cards?: boolean;
}

type Replace = (text: string) => string;

/** Characters that every secret of these forms has: most messages have none of them, and are looked at once. */
const ANY = /[=:_<\d-]|eyJ|A[KSI]|earer |asic |EARER |ASIC /;
/** The commonest value of a field that has some. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
/** The beginning of every form, or a part of it. */
const HINT =
  /eyJ|gh[oprsu]_|github_pat_|gl[a-z]{2,8}-|[srp]k[-_]|xox[a-z]-|xapp-|ya29\.|GOCSPX-|whsec_|A[KS]IA|AIza|npm_|hf_|BEGIN |[Bb]earer |BEARER |[Bb]asic |BASIC |:\/\/[^\s/]*@|=\S|= ["']|%3D|["'] ?:|: ?["']|ookie: |(?:[Ww]ord|WORD|[Pp]hrase|[Pp]ass|PASS|[Pp]wd|PWD|[Ss]ecret|SECRET|[Tt]oken|TOKEN|[Kk]ey|KEY|[Cc]ode|CODE|[Cc]redential|[Aa]uthorization|[Cc]ookie|[Pp]in|PIN|[Oo]tp|OTP|[Jj]wt|JWT|iban|IBAN)s?: +\S{6}|--[a-z][\w-]* +\S{6}|<\/\w|\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d{3}/;

/** Shorter texts hold none of them. */
const MIN_LENGTH = 8;

/** Each form begins with a unique prefix and has the length that its service uses. */
const TOKENS =
  /\beyJ[\w-]{10,512}\.[\w-]{4,}(?:\.[\w-]*){0,3}|\b(?:gh[oprsu]_|github_pat_)\w{20,}|\bgl[a-z]{2,8}-(?=[\w-]{0,40}\d)[\w-]{16,}|\b[sr]k_(?:live|test)_\w{16,}|\bwhsec_\w{16,}|\bsk-(?=[\w-]{0,200}\d)[\w-]{20,}|\b(?:xox[a-z]|xapp)-[\w-]{10,}|\bA[KS]IA[0-9A-Z]{16}\b|\bAIza[\w-]{35}|\bya29\.[\w-]{20,}|\bGOCSPX-[\w-]{20,}|\b(?:npm|hf)_[0-9A-Za-z]{30,}/g;
/** Excludes words of a sentence, as in "Basic authentication": a credential contains a digit, a sign or an inner capital. */
const CREDENTIALS =
  /\b([Bb]earer|BEARER|[Bb]asic|BASIC) +(?=[\w+/~.-]*(?:[\d+/=_]|\.\w|[a-z][A-Z]))[\w+/~.-]{8,}=*/g;

/** Bounded, so that no text takes long to be looked at. */
const NAME = String.raw`(?<name>[\w-]{1,80})`;
const VALUE = String.raw`"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?`;
/** A value without quotes, which is followed by other words in a sentence: a secret has a digit, a sign or an inner capital. */
const BARE = String.raw`(?=[^\s,;"'<>()[\]{}]*(?:[\d!@#$%^&*+=~]|[a-z][A-Z]))[^\s,;"'<>()[\]{}]{6,}`;
/** Names with what stands between them and their value, and the values. A value is a secret only if its name says so. */
const ASSIGNMENTS: readonly { readonly names: RegExp; readonly values: RegExp }[] = [
  // password=x, user[password]=x, password%3Dx, password = "x", password: 'x'
  {
    names: new RegExp(
      String.raw`(?:%[\dA-Fa-f]{2}|\b)${NAME}\]?(?:\[\])?(?:=(?![=>])|%3D| {0,2}[=:] {0,2}(?=["']))`,
      'g',
    ),
    values: new RegExp(String.raw`${VALUE}|[^\s&;,"']+`, 'y'),
  },
  // "password":"x", 'password': 'x', "pin": 1234
  {
    names: new RegExp(String.raw`(?<quote>["'])${NAME}\k<quote>\s{0,8}:\s{0,8}`, 'g'),
    values: new RegExp(String.raw`${VALUE}|[^\s,\]}"'[{\\]+`, 'y'),
  },
  // The same within a text of JSON: \"password\":\"x\"
  {
    names: new RegExp(String.raw`\\"${NAME}\\"\s{0,8}:\s{0,8}`, 'g'),
    values: /\\"(?:[^"\\]|\\{2,}"?|\\[^"\\])*(?:\\")?|[^\s,\]}"'[{\\]+/y,
  },
  // password: x, X-Api-Key: x
  { names: new RegExp(String.raw`\b${NAME}: +`, 'g'), values: new RegExp(BARE, 'y') },
  // --password x
  { names: new RegExp(String.raw`(?<!\S)--${NAME} +`, 'g'), values: new RegExp(BARE, 'y') },
  // <password>x</password>
  { names: new RegExp(`<${NAME}>`, 'g'), values: /[^<]{1,256}(?=<\/)/y },
];
const QUOTE = /^\\?["']/;
/** They say only whether there is a secret. */
const NO_SECRET = /^(?:true|false|null|undefined)$/;
const NUMBER = /^\d+(?:\.\d+)?$/;
/** A password may have an unescaped `@`. */
const URL_PASSWORD = /(:\/\/[^\s/:@?#]{0,256}:)[^\s/?#]{1,256}@/g;
const COOKIES = /\b((?:[Ss]et-)?[Cc]ookie: *)[^\s=;,]{1,256}=[^\r\n"'\\]*/g;

function redactAssignments(text: string): string {
  // First: a part of these values looks like the value of an assignment.
  let redacted = text.replaceAll(URL_PASSWORD, `$1${REDACTED}@`).replaceAll(COOKIES, `$1${REDACTED}`);
  for (const { names, values } of ASSIGNMENTS) redacted = redactValues(redacted, names, values);
  return redacted;
}

/** Looks at the value of a harmless name again, since it may be an assignment too: `x=password=y`. */
function redactValues(text: string, names: RegExp, values: RegExp): string {
  let redacted = '';
  let end = 0;
  names.lastIndex = 0;
  for (let found = names.exec(text); found !== null; found = names.exec(text)) {
    const verdict = judgeName(found.groups?.name ?? '');
    if (verdict === 'harmless') continue;
    const start = names.lastIndex;
    values.lastIndex = start;
    const [value = ''] = values.exec(text) ?? [];
    if (value === '' || NO_SECRET.test(value)) continue;
    if (!isSecret(verdict, NUMBER.test(value) ? Number(value) : value)) continue;
    const [mark = ''] = QUOTE.exec(value) ?? [];
    redacted += `${text.slice(end, start)}${mark}${REDACTED}${mark}`;
    end = start + value.length;
    names.lastIndex = end;
  }
  return redacted + text.slice(end);
}

const PRIVATE_KEY =
  /-----BEGIN [A-Z ]{0,32}PRIVATE KEY( BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]{0,32}PRIVATE KEY( BLOCK)?-----|$)/g;

/**
 * Redacts secrets of a known form anywhere in a text. A token without such a form cannot be distinguished from an id, so the
 * name of its field has to mark it as secret.
 *
 * @example redactor({})('Authorization: Bearer mF_9.B5f-4.1JqM'); // 'Authorization: Bearer [redacted]'
 */
export function redactor(rules: RedactionRules): Replace {
  const { tokens = true, assignments = true, privateKeys = true, cards = true } = rules;
  const steps: Replace[] = [];
  if (privateKeys) steps.push((text) => text.replaceAll(PRIVATE_KEY, REDACTED));
  if (tokens)
    steps.push((text) => text.replaceAll(TOKENS, REDACTED).replaceAll(CREDENTIALS, `$1 ${REDACTED}`));
  if (assignments) steps.push(redactAssignments);
  if (cards)
    steps.push((text) => text.replaceAll(CARD_LIKE, (found) => (isCardNumber(found) ? REDACTED : found)));
  return (text) => {
    if (text.length < MIN_LENGTH || !ANY.test(text)) return text;
    if ((text.length === 36 && UUID.test(text)) || !HINT.test(text)) return text;
    let redacted = text;
    for (const step of steps) redacted = step(redacted);
    return redacted;
  };
}
