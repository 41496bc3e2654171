import { randomBytes, randomUUID } from 'node:crypto';
import { SlotParametersError } from './errors.ts';
import type { GuardedKey } from './guarded-key.ts';
import { COST_FLOOR, costProblem, type PasswordCost, passwordKey } from './password-key.ts';
import { openSealedKey, sealKey } from './sealing.ts';
import { type Slot, type SlotFileBody, slotContext } from './slot-file.ts';

const EMPTY = { nonce: '', ciphertext: '' };

function sealInto(fileId: string, slot: Slot, root: GuardedKey, wrapping: GuardedKey): Slot {
  return { ...slot, sealedRoot: sealKey(root, wrapping, slotContext(fileId, slot)) };
}

/** A slot that a password opens. */
export async function passwordSlot(
  fileId: string,
  root: GuardedKey,
  password: string,
  cost: PasswordCost = COST_FLOOR,
): Promise<Slot> {
  const slot: Slot = {
    id: randomUUID(),
    kind: 'password',
    createdAt: new Date().toISOString(),
    algorithm: 'argon2id-v19',
    cost: { memoryKiB: cost.memoryKiB, passes: cost.passes, lanes: cost.lanes },
    salt: randomBytes(16).toString('base64url'),
    sealedRoot: EMPTY,
  };
  refuseUnsafeCost(slot);
  const wrapping = await passwordKey(password, Buffer.from(slot.salt, 'base64url'), slot.cost);
  try {
    return sealInto(fileId, slot, root, wrapping);
  } finally {
    wrapping.wipe();
  }
}

/** A slot that a key file opens. */
export function keyFileSlot(fileId: string, root: GuardedKey, key: GuardedKey): Slot {
  const slot: Slot = {
    id: randomUUID(),
    kind: 'key-file',
    createdAt: new Date().toISOString(),
    sealedRoot: EMPTY,
  };
  return sealInto(fileId, slot, root, key);
}

/** The first slot that `password` opens, with the root key it held. */
export async function openWithPassword(
  body: SlotFileBody,
  password: string,
): Promise<{ slot: Slot; root: GuardedKey } | undefined> {
  for (const slot of body.slots) {
    if (slot.kind !== 'password') continue;
    const wrapping = await passwordKey(password, Buffer.from(slot.salt, 'base64url'), slot.cost);
    try {
      const root = openSealedKey(slot.sealedRoot, wrapping, slotContext(body.id, slot));
      if (root !== undefined) return { slot, root };
    } finally {
      wrapping.wipe();
    }
  }
  return undefined;
}

/** The first slot that the key file's `key` opens, with the root key it held. */
export function openWithKeyFile(
  body: SlotFileBody,
  key: GuardedKey,
): { slot: Slot; root: GuardedKey } | undefined {
  for (const slot of body.slots) {
    if (slot.kind !== 'key-file') continue;
    const root = openSealedKey(slot.sealedRoot, key, slotContext(body.id, slot));
    if (root !== undefined) return { slot, root };
  }
  return undefined;
}

/** @throws {SlotParametersError} when the slot would be too cheap to guess, or too dear to open */
export function refuseUnsafeCost(slot: Slot): void {
  if (slot.kind !== 'password') return;
  const problem = costProblem(slot.cost);
  if (problem !== undefined) throw new SlotParametersError(slot.id, problem);
}
