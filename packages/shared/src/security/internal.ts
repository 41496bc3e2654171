/** Exports for the sibling folders of this package only. */
export { hkdfSha256, INTERNAL_LABELS } from './keys/key-derivation.ts';
export { isSameMac, macOf } from './keys/mac.ts';
