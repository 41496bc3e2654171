/** What the sibling rooms of this package need of this one, and nobody else. */
export { hkdfSha256, INTERNAL_LABELS } from './keys/key-derivation.ts';
