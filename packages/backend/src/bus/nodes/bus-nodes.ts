import type { InProcessBus } from '@aico/shared/core/bus';
import type { ConfigurationManager } from '@aico/shared/core/config';
import type { Logger } from '@aico/shared/core/logging';
import { type AICOKeyManager, wipe } from '@aico/shared/security';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { messageBusSection } from '../config.ts';
import type { NodeBus, NodeEvent } from './node-bus.ts';

interface BusNodesOptions {
  readonly hub: InProcessBus;
  readonly config: ConfigurationManager;
  readonly keys: Pick<AICOKeyManager, 'deriveKey'>;
  readonly nodeKeyFile: string;
  /** Its lines must not cause messages. */
  readonly logger: Logger;
}

/** The service `'bus_nodes'`: connects the bus to the other nodes of the home, if `core.message_bus.nats.url` is set. */
export class BusNodes {
  readonly #options: BusNodesOptions;
  #running: { readonly bus: NodeBus; readonly key: Uint8Array } | undefined;

  constructor(options: BusNodesOptions) {
    this.#options = options;
  }

  /** The state of the links; `undefined` if the bus is not connected to other nodes. */
  get status(): NodeBus['status'] | undefined {
    return this.#running?.bus.status;
  }

  /** @throws {NatsSettingsError} */
  async join(): Promise<void> {
    const { hub, config, keys, nodeKeyFile, logger } = this.#options;
    const { nats, broker } = config.section(messageBusSection);
    if (nats.url === undefined || nats.url.length === 0) return;
    // Loaded only when needed: most homes have one node.
    const [{ readNatsServers }, { natsCarrier }, { NodeBus }, { readClusterIdentity }] = await Promise.all([
      import('./nats-servers.ts'),
      import('./nats-carrier.ts'),
      import('./node-bus.ts'),
      import('./cluster-identity.ts'),
    ]);
    const servers = readNatsServers(nats);
    if (servers === undefined) return;
    const identity = await readClusterIdentity(keys, nodeKeyFile);
    const bus = new NodeBus({
      identity,
      hub,
      open: natsCarrier(servers, nats.heartbeat_ms),
      heartbeatMs: nats.heartbeat_ms,
      queueBytes: nats.queue_bytes,
      messageBytes: broker.max_message_bytes,
      onEvent: (event) => log(logger, event),
    });
    this.#running = { bus, key: identity.key };
    await bus.start();
    logger.info('The bus is connected to other nodes', { node: identity.node, servers: servers.servers });
  }

  async leave(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    if (running === undefined) return;
    await running.bus.stop();
    wipe(running.key);
  }

  /** The check `bus_nodes`, which only a node with other nodes has. */
  health(): HealthCheckResult {
    const { status } = this;
    if (status === undefined) return { status: 'healthy' };
    const { connection, fault, isTaken, peers, unsendable, node } = status;
    const data = { node, unsendable, peers };
    const degraded = (detail: string): HealthCheckResult => ({ status: 'degraded', detail, data });
    if (isTaken)
      return degraded(
        'Another process uses the id of this node, which happens after a home was copied together with its node.key.',
      );
    if (connection.name === 'down')
      return degraded(`Messages do not reach other nodes: ${connection.reason}.`);
    if (fault !== undefined) return degraded(`The NATS server refuses a part of the bus: ${fault}.`);
    const away = peers.filter(({ reachable }) => !reachable).map((peer) => peer.node);
    if (away.length > 0) return degraded(`Messages do not reach ${away.join(', ')}.`);
    return { status: 'healthy', data };
  }
}

function log(logger: Logger, event: NodeEvent): void {
  const { name, ...fields } = event;
  switch (name) {
    case 'failed':
      logger.error('A frame of another node was not understood', fields);
      return;
    case 'down':
      logger.warn('There is no connection to NATS: messages do not reach other nodes', fields);
      return;
    case 'taken':
      logger.error('Another process uses the id of this node', fields);
      return;
    case 'lost':
      logger.warn('Messages of another node were lost on the way', fields);
      return;
    case 'rejected':
      logger.warn('Frames were rejected: they were forged, altered, repeated or reordered', fields);
      return;
    case 'unreachable':
      logger.warn('A node cannot be reached', fields);
      return;
    default:
      logger.info(STEPS[name], fields);
  }
}

const STEPS = {
  up: 'Connected to NATS',
  linked: 'A node joined',
  resumed: 'A node can be reached again',
  left: 'A node left',
} as const;
