import { GuardedKey } from '../keys/guarded-key.ts';
import { deriveGuarded, INTERNAL_LABELS } from '../keys/key-derivation.ts';
import { openSealedKey, sealKey } from '../keys/sealing.ts';
import { type SlotFileBody, wrappedKeyContext } from './slot-file.ts';

/** The key the database is encrypted with. */
export const DATABASE = 'database';
/** The key a rotation is on its way to. */
export const DATABASE_NEXT = 'database-next';

/** The keys of `body` with `key` among them under `name`, in the place of one that had the name. */
function withWrappedKey(body: SlotFileBody, name: string, key: GuardedKey, root: GuardedKey): SlotFileBody {
  const wrapping = deriveGuarded(root, INTERNAL_LABELS.wrappedKeys);
  try {
    const entry = { name, sealed: sealKey(key, wrapping, wrappedKeyContext(body.id, name)) };
    return { ...body, keys: [...withoutWrappedKey(body, name).keys, entry] };
  } finally {
    wrapping.wipe();
  }
}

/** `body` with a new random 256-bit key under `name`. */
export function withNewKey(body: SlotFileBody, name: string, root: GuardedKey): SlotFileBody {
  const key = GuardedKey.random(32);
  try {
    return withWrappedKey(body, name, key, root);
  } finally {
    key.wipe();
  }
}

export function withoutWrappedKey(body: SlotFileBody, name: string): SlotFileBody {
  return { ...body, keys: body.keys.filter((entry) => entry.name !== name) };
}

export function hasWrappedKey(body: SlotFileBody, name: string): boolean {
  return body.keys.some((entry) => entry.name === name);
}

/** The key `name` of `body`, or `undefined` when there is none that opens; the caller's to wipe. */
export function openWrappedKey(body: SlotFileBody, name: string, root: GuardedKey): GuardedKey | undefined {
  const entry = body.keys.find((each) => each.name === name);
  if (entry === undefined) return undefined;
  const wrapping = deriveGuarded(root, INTERNAL_LABELS.wrappedKeys);
  try {
    return openSealedKey(entry.sealed, wrapping, wrappedKeyContext(body.id, name));
  } finally {
    wrapping.wipe();
  }
}

/** `body` with the key of one name under another, and no longer under its own; `undefined` when there is none. */
export function withPromotedKey(
  body: SlotFileBody,
  from: string,
  to: string,
  root: GuardedKey,
): SlotFileBody | undefined {
  const key = openWrappedKey(body, from, root);
  if (key === undefined) return undefined;
  try {
    return withWrappedKey(withoutWrappedKey(body, from), to, key, root);
  } finally {
    key.wipe();
  }
}
