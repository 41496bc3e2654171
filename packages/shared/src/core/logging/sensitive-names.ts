/** The text in place of the value of a sensitive field. */
export const REDACTED = '[redacted]';

/** Parts of names, written without case and separators: `api_key`, `X-Api-Key` and `apiKey` are one. */
const SENSITIVE =
  /passw(or)?d|passphrase|secret|token|authorization|bearer|cookie|credential|apikey|privatekey|rootkey|masterkey|encryptionkey|sessionkey|keymaterial|recoverycode|pairingcode|^(pwd|pin|otp|jwt)$/;

/** Names seen, so that each is looked at once; bounded, since a caller may make names up. */
const MAX_REMEMBERED = 2_048;

/** Tells the names of fields that hold secrets. */
export class SensitiveNames {
  readonly #remembered = new Map<string, boolean>();

  has(name: string): boolean {
    const remembered = this.#remembered.get(name);
    if (remembered !== undefined) return remembered;
    const sensitive = SENSITIVE.test(name.toLowerCase().replace(/[^a-z0-9]/g, ''));
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(name, sensitive);
    return sensitive;
  }
}
