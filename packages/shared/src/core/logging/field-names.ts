/** The text in place of a secret. */
export const REDACTED = '[redacted]';

/** Parts of names, written without case and separators: `api_key`, `X-Api-Key` and `apiKey` are one. */
const SENSITIVE =
  /passw(or)?d|passphrase|secret|token|authorization|bearer|cookie|credential|apikey|privatekey|rootkey|masterkey|encryptionkey|sessionkey|signingkey|keymaterial|recoverycode|pairingcode|cardnumber|^(pwd|pass|passcode|pin|otp|totp|jwt|cvv|cvc|ssn|iban)$/;

/** Words that only begin like one. */
const HARMLESS = /secretar|tokeni[sz]|tokentype|passwordless|passwordpolicy|cookieless|cookieconsent/g;

/** Names of counts, such as the tokens that a language model has read: a number under one is no secret. */
const COUNT =
  /tokens$|tokens?(count|limit|used|usage|budget|length|size|total|ms|seconds)|(attempts|count|length)$/;

/** A longer name is cut, and not remembered. */
const MAX_NAME = 256;
/** Characters of a long name that are looked at. */
const MAX_JUDGED = 4_096;

/** Names seen, so that each is looked at once; bounded, since a caller may make names up. */
const MAX_REMEMBERED = 2_048;

type Verdict = 'secret' | 'harmless' | 'secret unless it is a number';

/** Whether a value is secret because of its name. */
export function isSecret(verdict: Verdict, value: unknown): boolean {
  return verdict === 'secret' || (verdict === 'secret unless it is a number' && typeof value !== 'number');
}

interface FieldName {
  readonly verdict: Verdict;
  /** The name without secrets of a known form, since a record may have them as its keys; cut if it is long. */
  readonly shown: string;
}

/** Judges names of fields, and remembers those that were judged. */
export class FieldNames {
  readonly #remembered = new Map<string, FieldName>();
  readonly #redact: (text: string) => string;
  readonly #isJudging: boolean;

  /** @param isJudging whether a name can make its value secret */
  constructor(redact: (text: string) => string, isJudging: boolean) {
    this.#redact = redact;
    this.#isJudging = isJudging;
  }

  /** Forgets the verdicts, so that every name is judged again. */
  forget(): void {
    this.#remembered.clear();
  }

  of(name: string): FieldName {
    const remembered = name.length > MAX_NAME ? undefined : this.#remembered.get(name);
    if (remembered !== undefined) return remembered;
    const begin = name.slice(0, MAX_JUDGED);
    const verdict = this.#isJudging ? judgeName(begin) : 'harmless';
    const shown = this.#redact(begin);
    if (name.length > MAX_NAME)
      return { verdict, shown: `${shown.slice(0, MAX_NAME)}…[${name.length} characters]` };
    const judged = { verdict, shown };
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(name, judged);
    return judged;
  }
}

/** Whether the values under a name are secret, without regard to its case and separators. */
export function judgeName(written: string): Verdict {
  const name = written.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (!SENSITIVE.test(name.replaceAll(HARMLESS, ''))) return 'harmless';
  return COUNT.test(name) ? 'secret unless it is a number' : 'secret';
}
