import { GuardedKey } from '../keys/guarded-key.ts';
import { deriveGuarded, INTERNAL_LABELS } from '../keys/key-derivation.ts';
import { openSealedKey, sealKey } from '../keys/sealing.ts';
import { type SlotFileBody, wrappedKeyContext } from './slot-file.ts';

/** The name of the key with which the database is encrypted. */
export const DATABASE = 'database';
/** The name of the new key during a rotation. */
export const DATABASE_NEXT = 'database-next';

/** The keys of `body` with `key` under `name`, replacing a previous one. */
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

/** The key `name` of `body`; `undefined` if it is missing or cannot be unwrapped. The caller wipes it. */
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

/** `body` with a key moved to another name; `undefined` if there is no key of the first name. */
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
