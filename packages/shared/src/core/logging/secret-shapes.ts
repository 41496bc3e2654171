import { CARD_LIKE, isCardNumber } from './card-numbers.ts';
import { REDACTED } from './field-names.ts';

/** The rules of redaction, each of which may be turned off. Values of the type `Secret` are redacted in any case. */
export interface RedactionRules {
  /** Values of fields whose names say that they are secret, at any depth. Default `true`. */
  readonly names?: boolean;
  /** Tokens that are known by their form: JSON Web Tokens, `Bearer` and `Basic` credentials, keys of common services. Default `true`. */
  readonly tokens?: boolean;
  /** The values in `password=…` and `"token":"…"`, and the password of a URL, within a text. Default `true`. */
  readonly assignments?: boolean;
  /** Blocks of PEM that hold a private key. Default `true`. */
  readonly privateKeys?: boolean;
  /** Numbers of payment cards. Default `true`. */
  readonly cards?: boolean;
}

type Replace = (text: string) => string;

/** Characters that every secret of these forms has: most messages have none of them, and are looked at once. */
const ANY = /[=:_\d-]|eyJ|A[KSI]|earer |asic |EARER |ASIC /;
/** The commonest value of a field that has some. */
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
/** The beginning of every form, or a part of it. */
const HINT =
  /eyJ|gh[oprsu]_|github_pat_|glpat-|[srp]k[-_]|xox[a-z]-|A[KS]IA|AIza|npm_|hf_|BEGIN |[Bb]earer |BEARER |[Bb]asic |BASIC |:\/\/[^\s/]*@|=\S|":|\d[ -]?\d[ -]?\d[ -]?\d[ -]?\d{3}/;

/** Shorter texts hold none of them. */
const MIN_LENGTH = 8;

/** Each form begins with a unique prefix and has the length that its service uses. */
const TOKENS =
  /\beyJ[\w-]{10,512}\.[\w-]{4,}(?:\.[\w-]*){0,3}|\b(?:gh[oprsu]_|github_pat_)\w{20,}|\bglpat-[\w-]{16,}|\b[sr]k_(?:live|test)_\w{16,}|\bsk-[\w-]{20,}|\bxox[a-z]-[\w-]{10,}|\bA[KS]IA[0-9A-Z]{16}\b|\bAIza[\w-]{35}|\bnpm_\w{30,}|\bhf_\w{30,}/g;
/** Excludes words of a sentence, as in "Basic authentication": a credential contains a digit, a sign or an inner capital. */
const CREDENTIALS =
  /\b([Bb]earer|BEARER|[Bb]asic|BASIC) +(?=[\w+/~.-]*(?:[\d+/=_]|\.\w|[a-z][A-Z]))[\w+/~.-]{8,}=*/g;

/** Bounded, so that no text takes long to be looked at. */
const ASSIGNED = String.raw`[\w-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key|credential)[\w-]{0,40}`;
const QUERY_VALUE = new RegExp(String.raw`\b(${ASSIGNED}=)(?!=)(?:"[^"]*"?|'[^']*'?|[^\s&;,"']+)`, 'gi');
const JSON_VALUE = new RegExp(String.raw`("${ASSIGNED}" *: *")(?:[^"\\]|\\.)*"?`, 'gi');
const URL_PASSWORD = /(:\/\/[^\s/:@?#]{0,256}:)[^\s/@?#]{1,256}@/g;

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
  if (assignments)
    steps.push((text) =>
      text
        .replaceAll(QUERY_VALUE, `$1${REDACTED}`)
        .replaceAll(JSON_VALUE, `$1${REDACTED}"`)
        .replaceAll(URL_PASSWORD, `$1${REDACTED}@`),
    );
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
