import { type AICOKeyManager, NodeKey } from '@aico/shared/security';

/** The names that a node of a home shows to the other nodes, and the key that they share. */
export interface ClusterIdentity {
  /** The home, as the NATS server sees it: 16 hexadecimal digits, the same on each of its nodes. */
  readonly home: string;
  /** This node among those of the home: 16 hexadecimal digits. */
  readonly node: string;
  /** The key of 32 bytes that the nodes of the home share. The holder of the identity wipes it. */
  readonly key: Uint8Array;
}

/** Reads the identity of this node. Its id is that of its node key, which is made at the first call. */
export async function readClusterIdentity(
  keys: Pick<AICOKeyManager, 'deriveKey'>,
  nodeKeyFile: string,
): Promise<ClusterIdentity> {
  const node = (await NodeKey.read(nodeKeyFile)) ?? (await NodeKey.create(nodeKeyFile));
  return {
    home: Buffer.from(keys.deriveKey('bus/nodes/home', 8)).toString('hex'),
    node: node.id,
    key: keys.deriveKey('bus/nodes'),
  };
}
