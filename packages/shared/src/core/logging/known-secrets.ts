import { REDACTED } from './field-names.ts';

/** Shorter secrets are not searched for, since they would be found in harmless text. */
const MIN_LENGTH = 6;

/** Secrets whose values are known, such as those of the configuration. They are redacted wherever they stand in a text. */
export class KnownSecrets {
  /** Each value as it is, within JSON and within a URL; longest first, since one may contain another. */
  #forms: readonly string[] = [];

  add(values: Iterable<string>): void {
    const forms = new Set(this.#forms);
    for (const value of values) {
      if (value.length < MIN_LENGTH) continue;
      const wellFormed = value.toWellFormed();
      for (const form of [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(wellFormed)])
        forms.add(form);
    }
    this.#forms = [...forms].sort((a, b) => b.length - a.length);
  }

  redact(text: string): string {
    let redacted = text;
    for (const form of this.#forms)
      if (redacted.includes(form)) redacted = redacted.replaceAll(form, REDACTED);
    return redacted;
  }

  /** Whether a number has the digits of a secret. */
  isSecret(value: number): boolean {
    return this.#forms.length > 0 && this.#forms.includes(String(value));
  }
}
