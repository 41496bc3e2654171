import path from 'node:path';
import type { InProcessBus } from '@aico/shared/core/bus';
import { createMutex } from '@aico/shared/core/tasks';
import type { AuditRecorder } from '@aico/shared/data/audit';
import { wipe } from '@aico/shared/security';
import type { Broker } from '../../bus/broker/broker.ts';
import type { BrokerEvent } from '../../bus/broker/broker-options.ts';
import { messageBusSection } from '../../bus/config.ts';
import type { DurableService } from '../../bus/durable/durable-service.ts';
import { BusBrokerClosedError } from '../../bus/errors.ts';
import { GrantBook } from '../../bus/grants/grant-book.ts';
import { GrantsFile } from '../../bus/grants/grants-file.ts';
import type { ServiceContainer } from '../../core/container/service-container.ts';
import type { HealthCheckResult } from '../../core/health/types.ts';
import { BasePlugin, PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { declareBusRoutes } from './bus-routes.ts';

/** Bytes of a frame in addition to its message: header and lengths. */
const FRAME_OVERHEAD = 4_096;

type State =
  | { readonly name: 'closed'; readonly reason: string; readonly cause?: unknown }
  | {
      readonly name: 'open';
      readonly broker: Broker;
      readonly durable: DurableService;
      readonly publicKey: string;
    };

/**
 * The service `'bus_broker'`: gives other processes access to the bus, each with its own key and rights. It listens only once a
 * grant exists: a home without grants has no open port and does not load ZeroMQ.
 */
export class BusBroker extends BasePlugin {
  readonly #hub: InProcessBus;
  readonly #audit: Pick<AuditRecorder, 'record'>;
  #book: GrantBook | undefined;
  #state: State = { name: 'closed', reason: 'no component has been granted access' };
  readonly #exclusive = createMutex();
  #untravelled = 0;

  constructor(
    name: string,
    container: ServiceContainer,
    hub: InProcessBus,
    audit: Pick<AuditRecorder, 'record'>,
  ) {
    super(name, container);
    this.#hub = hub;
    this.#audit = audit;
  }

  /** The grants of the home. */
  get book(): GrantBook {
    if (this.#book === undefined) throw new BusBrokerClosedError('it has not been started');
    return this.#book;
  }

  /** The broker, while it listens. */
  get broker(): Broker | undefined {
    return this.#state.name === 'open' ? this.#state.broker : undefined;
  }

  /** The number of messages of plugins that could not be sent to other processes, because they contain values such as a Map. */
  get untravelled(): number {
    return this.#untravelled;
  }

  override async start(): Promise<void> {
    const { busGrantsFile } = this.requireService('paths');
    const key = this.requireService('key_manager').deriveKey('bus/grants');
    this.onStop(async () => wipe(key));
    const { isCurveKey } = await import('@aico/shared/core/bus/zeromq/keys');
    const file = new GrantsFile(busGrantsFile, key);
    this.#book = new GrantBook(file, isCurveKey, (event) => {
      this.broker?.reload();
      return this.#audit.record(event);
    });
    await this.#book.load();
    const bus = this.requireService('message_bus');
    const idempotency = this.requireService('idempotency');
    const plugins = this.requireService('plugins');
    await this.addRoutes((app) => declareBusRoutes(app, this, bus, idempotency, plugins), { place: 'bus' });
    if (this.#book.grants.length === 0) return;
    try {
      await this.open();
    } catch (error) {
      // The in-process bus does not depend on it: the backend continues, and the health check gives the reason.
      this.logger.error('Other processes cannot take part in the bus', { error });
    }
  }

  override async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { name: 'closed', reason: 'it has stopped' };
    if (state.name === 'closed') return;
    await state.durable.stop();
    await state.broker.stop();
  }

  override healthCheck(): HealthCheckResult {
    if (this.broker?.failure !== undefined)
      return {
        status: 'degraded',
        detail: 'Other processes cannot take part: the socket failed (see the log).',
      };
    if (this.#state.name === 'open' || this.#book?.grants.length === 0)
      return { status: 'healthy', data: { endpoints: this.broker?.endpoints ?? [] } };
    return { status: 'degraded', detail: `Other processes cannot take part: ${this.#state.reason}.` };
  }

  /**
   * Listens if it does not yet, and returns the addresses and the public key.
   *
   * @throws {BusBrokerClosedError} when it is switched off, or the port or socket is in use
   */
  async open(): Promise<{ readonly endpoints: readonly string[]; readonly publicKey: string }> {
    return await this.#exclusive(async () => {
      if (this.#state.name === 'closed') this.#state = await this.#listen();
      const state = this.#state;
      if (state.name === 'closed') throw new BusBrokerClosedError(state.reason, state.cause);
      return { endpoints: state.broker.endpoints, publicKey: state.publicKey };
    });
  }

  async #listen(): Promise<State> {
    const { broker: config } = this.requireService('config').section(messageBusSection);
    if (!config.enabled) return { name: 'closed', reason: 'core.message_bus.broker.enabled is false' };
    // Loaded only when needed: ZeroMQ costs start time and memory, and most homes do not use it.
    const [{ Broker }, { HubSide }, { DurableService }, { PeerLines }, { curveKeyPair }] = await Promise.all([
      import('../../bus/broker/broker.ts'),
      import('../../bus/broker/hub-side.ts'),
      import('../../bus/durable/durable-service.ts'),
      import('../../bus/logs/peer-lines.ts'),
      import('@aico/shared/core/bus/zeromq/keys'),
    ]);
    const seed = this.requireService('key_manager').deriveKey('bus/curve');
    const keys = curveKeyPair(seed);
    wipe(seed);
    const socketDir = path.dirname(this.requireService('paths').socketFile);
    const endpoints = [
      ...(config.ipc && process.platform !== 'win32' ? [`ipc://${path.join(socketDir, 'bus.sock')}`] : []),
      `tcp://${config.host}:${config.port === 0 ? '*' : config.port}`,
    ];
    const logging = this.requireService('logging');
    logging.reserve(this.container.report().services.map(({ name }) => name));
    const durable = new DurableService({
      hub: this.#hub,
      store: this.requireService('streams'),
      members: () => broker.sessions,
      messageBytes: config.max_message_bytes,
      onError: (error) => this.logger.error('A durable message was not handled', { error }),
    });
    const broker = new Broker({
      keys,
      endpoints,
      grants: () => this.book.grants,
      // Counted and not logged, since the message that cannot be sent may itself be a log line.
      local: new HubSide({
        hub: this.#hub,
        messageBytes: config.max_message_bytes,
        lines: new PeerLines(logging),
        onError: () => (this.#untravelled += 1),
      }),
      limits: {
        frameBytes: config.max_message_bytes + FRAME_OVERHEAD,
        queueBytes: config.queue_bytes,
        heartbeatMs: config.heartbeat_ms,
      },
      onEvent: (event) => {
        this.#log(event);
        const { name, component, client } = event;
        if (name === 'left' && component !== undefined && client !== undefined)
          durable.forget(component, client);
      },
    });
    try {
      await durable.start();
      await broker.start();
    } catch (error) {
      await durable.stop();
      const reason = `it cannot listen on ${endpoints.join(' and ')}`;
      return { name: 'closed', reason, cause: error };
    }
    this.logger.info('Other processes may take part in the bus', { endpoints: broker.endpoints });
    return { name: 'open', broker, durable, publicKey: keys.publicKey };
  }

  #log({ name, component, client, reason, error }: BrokerEvent): void {
    const fields = { component, client, reason };
    if (name === 'failed') this.logger.error('A frame was not understood', { ...fields, error });
    else if (name === 'refused') this.logger.warn('A bus client was refused', fields);
    else this.logger.info(name === 'joined' ? 'A bus client joined' : 'A bus client left', fields);
  }
}

/**
 * @param hub the in-process bus, which the broker connects to other processes
 * @param audit records grants and revocations
 */
export function busPlugin(hub: InProcessBus, audit: Pick<AuditRecorder, 'record'>): PluginDefinition {
  return definePlugin({
    name: 'bus_broker',
    version: '1.0.0',
    description: 'Lets other processes take part in the message bus, each with its own key and rights',
    dependencies: ['paths', 'key_manager', 'message_bus', 'streams', 'idempotency', 'gateway', 'plugins'],
    priority: PluginPriority.INFRASTRUCTURE,
    capabilities: {
      'bus:read': 'See what the bus carries and keeps',
      'bus:publish': 'Publish on any topic',
      'bus:subscribe': 'Follow any topic',
      'bus:grant': 'Grant other processes access to the bus',
    },
    create: (name, container) => new BusBroker(name, container, hub, audit),
  });
}
