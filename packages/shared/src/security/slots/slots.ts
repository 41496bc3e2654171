import { randomBytes, randomUUID } from 'node:crypto';
import { SlotParametersError } from '../errors.ts';
import { GuardedKey, wipe } from '../keys/guarded-key.ts';
import { deriveGuarded, INTERNAL_LABELS } from '../keys/key-derivation.ts';
import { openSealedKey, sealKey } from '../keys/sealing.ts';
import { COST_FLOOR, costProblem, type PasswordCost, passwordKey } from '../passwords/password-key.ts';
import { type Slot, type SlotFileBody, type SlotKind, type SlotOf, slotContext } from './slot-file.ts';

const EMPTY = { nonce: '', ciphertext: '' };

/** A slot that was unlocked, and its root key. */
export interface OpenedSlot {
  readonly slot: Slot;
  readonly root: GuardedKey;
}

function sealInto(fileId: string, slot: Slot, root: GuardedKey, wrapping: GuardedKey): Slot {
  return { ...slot, sealedRoot: sealKey(root, wrapping, slotContext(fileId, slot)) };
}

function begun() {
  return { id: randomUUID(), createdAt: new Date().toISOString(), sealedRoot: EMPTY };
}

const newSalt = (): string => randomBytes(16).toString('base64url');

/** Creates a password slot. */
export async function passwordSlot(
  fileId: string,
  root: GuardedKey,
  password: string,
  { memoryKiB, passes, lanes }: PasswordCost = COST_FLOOR,
): Promise<Slot> {
  const slot: SlotOf<'password'> = {
    ...begun(),
    kind: 'password',
    algorithm: 'argon2id-v19',
    cost: { memoryKiB, passes, lanes },
    salt: newSalt(),
  };
  refuseUnsafeCost(slot);
  const wrapping = await passwordWrapping(slot, password);
  try {
    return sealInto(fileId, slot, root, wrapping);
  } finally {
    wrapping.wipe();
  }
}

/** Creates a recovery slot; `symbols` are those of the decoded code. */
export function recoverySlot(fileId: string, root: GuardedKey, symbols: string): Slot {
  const slot: SlotOf<'recovery'> = { ...begun(), kind: 'recovery', salt: newSalt() };
  const wrapping = recoveryWrapping(slot, symbols);
  try {
    return sealInto(fileId, slot, root, wrapping);
  } finally {
    wrapping.wipe();
  }
}

/** Creates a slot for the credential `name` of a unit. */
export function credentialSlot(fileId: string, root: GuardedKey, name: string, credential: GuardedKey): Slot {
  const slot: SlotOf<'credential'> = { ...begun(), kind: 'credential', name, salt: newSalt() };
  const wrapping = credentialWrapping(slot, credential);
  try {
    return sealInto(fileId, slot, root, wrapping);
  } finally {
    wrapping.wipe();
  }
}

/** Creates a slot for a 256-bit key that is stored in the keyring or in a file. */
export function keySlot(
  fileId: string,
  root: GuardedKey,
  kind: 'keyring' | 'key-file',
  key: GuardedKey,
): Slot {
  return sealInto(fileId, { ...begun(), kind }, root, key);
}

export async function passwordWrapping(slot: SlotOf<'password'>, password: string): Promise<GuardedKey> {
  return await passwordKey(password, Buffer.from(slot.salt, 'base64url'), slot.cost);
}

export function recoveryWrapping(slot: SlotOf<'recovery'>, symbols: string): GuardedKey {
  const bytes = Buffer.from(symbols, 'ascii');
  const secret = GuardedKey.take(bytes);
  try {
    return deriveGuarded(secret, INTERNAL_LABELS.recoveryCode, Buffer.from(slot.salt, 'base64url'));
  } finally {
    secret.wipe();
    wipe(bytes);
  }
}

export function credentialWrapping(slot: SlotOf<'credential'>, credential: GuardedKey): GuardedKey {
  return deriveGuarded(credential, INTERNAL_LABELS.credential, Buffer.from(slot.salt, 'base64url'));
}

/** The slots of one kind. */
export function slotsOf<K extends SlotKind>(body: SlotFileBody, kind: K): readonly SlotOf<K>[] {
  return body.slots.filter((slot): slot is SlotOf<K> => slot.kind === kind);
}

/** Opens the first of `slots` that accepts its key from `wrappingOf`, and wipes that key. */
export async function openFirst<S extends Slot>(
  fileId: string,
  slots: readonly S[],
  wrappingOf: (slot: S) => Promise<GuardedKey | undefined> | GuardedKey | undefined,
): Promise<OpenedSlot | undefined> {
  for (const slot of slots) {
    const wrapping = await wrappingOf(slot);
    if (wrapping === undefined) continue;
    try {
      const root = openSealedKey(slot.sealedRoot, wrapping, slotContext(fileId, slot));
      if (root !== undefined) return { slot, root };
    } finally {
      wrapping.wipe();
    }
  }
  return undefined;
}

/** @throws {SlotParametersError} when the slot is too cheap to guess, or too expensive to open */
export function refuseUnsafeCost(slot: Slot): void {
  if (slot.kind !== 'password') return;
  const problem = costProblem(slot.cost);
  if (problem !== undefined) throw new SlotParametersError(slot.id, problem);
}
