import { wipe } from '../../security/index.ts';

/** The shared key's bytes for the time `work` runs, in memory that is wiped after. */
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
