import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A temporary home, and how to remove it. */
export interface TestHome {
  readonly folder: string;
  remove(): Promise<void>;
}

/** Makes an empty folder under the system's temporary one. */
export async function createTestHome(): Promise<TestHome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
