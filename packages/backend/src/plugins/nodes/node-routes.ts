import type { AuditRecorder } from '@aico/shared/data/audit';
import type { AICOKeyManager } from '@aico/shared/security';
import { type Static, Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import { Instant, listOf, NO_CONTENT } from '../../core/reply-schemas.ts';
import { requestOf } from '../../core/request-schemas.ts';
import type { DeviceRegistry } from '../../devices/device-registry.ts';
import type { Pairing } from '../../devices/device-routes.ts';
import { NODE_JOIN, NODE_ROLE } from '../../devices/roles.ts';
import { InvitationSpentError, NodesNotSharedError } from '../../nodes/errors.ts';
import type { Membership, NodeStatus } from '../../nodes/membership.ts';
import type { NodeRegistry } from '../../nodes/node-registry.ts';

/** The home as a group of nodes that share a database. */
export interface SharedHome {
  readonly registry: NodeRegistry;
  readonly membership: Membership;
  /** The configuration that a joining node needs to reach what the nodes share, by dotted key. It has secrets. */
  readonly settings: Readonly<Record<string, string>>;
}

interface NodeRoutesOptions {
  /** `undefined` if the database is embedded. */
  readonly shared: SharedHome | undefined;
  readonly devices: DeviceRegistry;
  readonly pairing: Pairing;
  readonly keyManager: AICOKeyManager;
  readonly audit: AuditRecorder;
}

const Name = Type.String({ minLength: 1, maxLength: 64, pattern: '^[^\\p{C}]+$' });
const Params = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) });
const NodeView = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.String({ description: 'Of the backend at its last start; empty before its first.' }),
  joinedAt: Instant,
  lastSeenAt: Type.Optional(Instant),
  isPresent: Type.Boolean({ description: 'Whether its backend runs and reaches the database.' }),
  isSelf: Type.Boolean({ description: 'Whether it is the node that answers.' }),
});
const NodeList = Type.Object({
  shared: Type.Boolean({ description: 'Whether the database is one that several nodes can share.' }),
  nodes: listOf(NodeView),
});
const Invitation = Type.Object({
  code: Type.String({ description: 'For one node, once.' }),
  fingerprint: Type.String({ description: "Of this home's key." }),
  expiresAt: Instant,
});
const Joining = requestOf({
  name: Name,
  publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description: '32 bytes in base64url.' }),
});
const Sealed = Type.Object(
  { ephemeral: Type.String(), nonce: Type.String(), ciphertext: Type.String() },
  { description: 'The root key of the home, sealed to the public key.' },
);
const Joined = Type.Object({
  id: Type.String(),
  rootKey: Sealed,
  settings: Type.Record(Type.String(), Type.String(), {
    description: 'Configuration for the new node, with secrets.',
  }),
});

const READ = { access: 'nodes:read' } as const;
const MANAGE = { access: 'root:nodes:manage' } as const;
const JOIN = { access: NODE_JOIN } as const;

/** `/api/v1/nodes` */
export function declareNodeRoutes(app: GatewayApp, options: NodeRoutesOptions): void {
  const { shared, devices, pairing, keyManager, audit } = options;
  const sharedHome = (): SharedHome => {
    if (shared === undefined) throw new NodesNotSharedError();
    return shared;
  };
  // A code may be used at the last moment, and joining takes a moment more.
  const invitations = new Invitations(2 * pairing.pairingMs);
  app.get('/', { config: READ, schema: { response: { 200: NodeList } } }, async () => ({
    shared: shared !== undefined,
    nodes: ((await shared?.membership.list()) ?? []).map(viewOf),
  }));
  app.post(
    '/invitations',
    { config: MANAGE, schema: { response: { 201: Invitation } } },
    async (_request, reply) => {
      sharedHome();
      if (invitations.unused === 0) await revokeUnfinished(devices);
      await audit.record({ action: 'node.invited' });
      const { text: code } = pairing.pairings.issue({ roles: [NODE_ROLE] });
      invitations.add();
      const expiresAt = new Date(Date.now() + pairing.pairingMs).toISOString();
      reply.code(201);
      return { code, fingerprint: pairing.fingerprint, expiresAt };
    },
  );
  app.post(
    '/',
    { config: JOIN, schema: { body: Joining, response: { 201: Joined } } },
    async ({ body, principal }, reply) => {
      const { registry, settings } = sharedHome();
      if (!invitations.take()) throw new InvitationSpentError();
      const publicKey = Buffer.from(body.publicKey, 'base64url');
      const { id } = await registry.add({ name: body.name, publicKey });
      // The node has keys of its own from now on. The channel is cut once it has the reply.
      reply.raw.once('close', () => void devices.revoke(principal.id).catch(() => undefined));
      reply.code(201);
      return { id, rootKey: keyManager.sealRootKey(publicKey), settings: { ...settings } };
    },
  );
  app.delete(
    '/:id',
    { config: MANAGE, schema: { params: Params, response: NO_CONTENT } },
    async ({ params }, reply) => {
      await sharedHome().registry.remove(params.id);
      return reply.code(204).send(null);
    },
  );
}

/** Invitations that have not led to a node yet, each for a limited time. */
class Invitations {
  readonly #lifetimeMs: number;
  #ends: readonly number[] = [];

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  get unused(): number {
    const now = performance.now();
    this.#ends = this.#ends.filter((end) => end > now);
    return this.#ends.length;
  }

  add(): void {
    this.#ends = [...this.#ends, performance.now() + this.#lifetimeMs];
  }

  /** Uses one up. @returns whether there was one */
  take(): boolean {
    const isThere = this.unused > 0;
    this.#ends = this.#ends.slice(1);
    return isThere;
  }
}

/** Revokes the devices of earlier invitations that did not become nodes. */
async function revokeUnfinished(devices: DeviceRegistry): Promise<void> {
  for (const { id, roles } of devices.list()) if (roles.includes(NODE_ROLE)) await devices.revoke(id);
}

function viewOf({ lastSeenAt, ...node }: NodeStatus): Static<typeof NodeView> {
  return { ...node, ...(lastSeenAt === undefined ? {} : { lastSeenAt }) };
}
