import { wipe } from '../../security/index.ts';

/** Runs `work` with a copy of `key` in memory that threads can share, and wipes the copy. */
export async function withSharedKey<T>(
  key: Uint8Array,
  work: (shared: SharedArrayBuffer) => Promise<T>,
): Promise<T> {
  const shared = new SharedArrayBuffer(key.byteLength);
  new Uint8Array(shared).set(key);
  try {
    return await work(shared);
  } finally {
    new Uint8Array(shared).fill(0);
  }
}

/** Runs `work` with a copy of the bytes of a shared key, and wipes the copy. */
export async function withKey<T>(
  shared: SharedArrayBuffer,
  work: (key: Uint8Array) => Promise<T>,
): Promise<T> {
  const key = Uint8Array.from(new Uint8Array(shared));
  try {
    return await work(key);
  } finally {
    wipe(key);
  }
}
