/** Exports for the sibling folders of this package alone. */
export { hkdfSha256, INTERNAL_LABELS } from './keys/key-derivation.ts';
