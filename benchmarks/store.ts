/** The setup of P6, P7, P8 and P16: the database service and the bare driver, with the same cipher, key and settings. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { EncryptedDatabase } from '@aico/shared/data';
import Driver from 'better-sqlite3-multiple-ciphers';

export const IN_FLIGHT = 64;

const KEY = Buffer.alloc(32, 0x5a);

type BareDatabase = InstanceType<typeof Driver>;

interface BenchStore {
  readonly service: EncryptedDatabase;
  /** A separate file, so that neither side waits for the other's locks. */
  readonly bare: BareDatabase;
  close(): Promise<void>;
}

export async function openBenchStore(): Promise<BenchStore> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-bench-'));
  const service = await EncryptedDatabase.open({ file: path.join(folder, 'service.db'), key: KEY });
  const bare = openBareDatabase(path.join(folder, 'bare.db'));
  return {
    service,
    bare,
    close: async () => {
      bare.close();
      await service.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The driver alone, with the cipher and the settings of the service. */
export function openBareDatabase(file: string): BareDatabase {
  const bare = new Driver(file);
  bare.pragma("cipher = 'aegis'");
  bare.key(Buffer.from(`raw:${KEY.toString('hex')}`));
  bare.pragma('journal_mode = WAL');
  bare.pragma('synchronous = FULL');
  return bare;
}

/** Keeps `IN_FLIGHT` calls of `one` in flight for `milliseconds`. @returns the calls finished per second */
export async function ratePerSecond(milliseconds: number, one: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  let answered = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() - start < milliseconds) {
      await one();
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
  return (answered / (performance.now() - start)) * 1_000;
}

/** The same for a synchronous driver. */
export function bareRatePerSecond(milliseconds: number, one: () => unknown): number {
  const start = performance.now();
  let answered = 0;
  while (performance.now() - start < milliseconds) {
    for (let index = 0; index < 16; index += 1) one();
    answered += 16;
  }
  return (answered / (performance.now() - start)) * 1_000;
}
