import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writePrivateFile } from '@aico/shared/core/paths';
import type { AICOKeyManager } from '@aico/shared/security';

/** The names that a node of a home shows to the other nodes, and the key that they share. */
export interface ClusterIdentity {
  /** The home, as the NATS server sees it: 16 hexadecimal digits, the same on each of its nodes. */
  readonly home: string;
  /** This node among those of the home: 16 hexadecimal digits. */
  readonly node: string;
  /** The key of 32 bytes that the nodes of the home share. The holder of the identity wipes it. */
  readonly key: Uint8Array;
}

const NODE_ID = /^[0-9a-f]{16}$/;

/** Reads the identity of this node. Its id is made at the first call and kept in `nodeIdFile`. */
export async function readClusterIdentity(
  keys: Pick<AICOKeyManager, 'deriveKey'>,
  nodeIdFile: string,
): Promise<ClusterIdentity> {
  return {
    home: Buffer.from(keys.deriveKey('bus/nodes/home', 8)).toString('hex'),
    node: await readNodeId(nodeIdFile),
    key: keys.deriveKey('bus/nodes'),
  };
}

async function readNodeId(file: string): Promise<string> {
  const found = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (NODE_ID.test(found)) return found;
  const node = randomBytes(8).toString('hex');
  await writePrivateFile(file, `${node}\n`);
  return node;
}
