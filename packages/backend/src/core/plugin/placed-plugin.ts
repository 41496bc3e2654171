import { withPlugin } from '@aico/shared/core/tracing';
import { GuardedDatabase, type Lease, type Leases } from '@aico/shared/data/leases';
import type { ServiceContainer } from '../container/service-container.ts';
import type { HealthCheckResult } from '../health/types.ts';
import { type Lifecycle, scope } from '../lifecycle.ts';
import type { ServiceName, Services } from '../services.ts';
import { PluginContext } from './plugin-context.ts';
import type { PluginDefinition } from './plugin-definition.ts';
import { StartedPlugin } from './started-plugin.ts';

/** Milliseconds that a plugin has to stop after its lease has lapsed; another node takes the lease half a second later. */
const LONGEST_STOP_MS = 4_500;

/**
 * A plugin that runs on one node of the home at a time. As a service it runs on every node; the plugin itself is started while this
 * node holds the lease of the plugin, and stopped when it no longer does.
 */
export class PlacedPlugin extends PluginContext implements Lifecycle {
  readonly #container: ServiceContainer;
  readonly #definition: PluginDefinition;
  readonly #leases: Leases;
  #active: StartedPlugin | undefined;
  #failure: unknown;

  constructor(container: ServiceContainer, definition: PluginDefinition, leases: Leases) {
    super(definition.name, container);
    this.#container = container;
    this.#definition = definition;
    this.#leases = leases;
  }

  /** Whether the plugin runs on this node. */
  get isActive(): boolean {
    return this.#active !== undefined;
  }

  /** The resources that the plugin has opened on this node. */
  get opened(): readonly string[] {
    return this.#active?.[scope].opened ?? [];
  }

  async start(): Promise<void> {
    const candidacy = this.#leases.apply(`plugin/${this.name}`, (lease) => this.#run(lease));
    this.onStop(() => candidacy.stop());
  }

  healthCheck(signal: AbortSignal): HealthCheckResult | Promise<HealthCheckResult> {
    if (this.#failure !== undefined)
      return { status: 'degraded', detail: `it did not start on this node: ${String(this.#failure)}` };
    return this.#active?.healthCheck?.(signal) ?? { status: 'healthy', data: { active: this.isActive } };
  }

  /** Runs the plugin until the lease has ended, or is to be released. */
  async #run(lease: Lease): Promise<void> {
    const plugin = new LeasedPlugin(this.#container, this.#definition, lease);
    const ended = new Promise<void>((resolve) => {
      const end = (): void => {
        // When the lease is lost, work in progress is aborted; before a release it may finish.
        if (!lease.isHeld) plugin[scope].cancel(lease.signal.reason);
        resolve();
      };
      if (lease.signal.aborted) end();
      else lease.signal.addEventListener('abort', end, { once: true });
    });
    try {
      await withPlugin(this.name, () => plugin.start());
      this.#failure = undefined;
      this.#active = plugin;
      await ended;
    } catch (error) {
      this.#failure = lease.signal.aborted ? undefined : error;
      throw error;
    } finally {
      this.#active = undefined;
      const { stopTimeoutMs = LONGEST_STOP_MS } = this.#definition;
      const deadline = AbortSignal.timeout(Math.min(stopTimeoutMs, LONGEST_STOP_MS));
      await plugin[scope].drain(deadline);
      await plugin[scope].release(deadline);
    }
  }
}

/** The plugin under one lease: its transactions commit only while that lease is held. */
class LeasedPlugin extends StartedPlugin {
  readonly #lease: Lease;
  #database: GuardedDatabase | undefined;

  constructor(container: ServiceContainer, definition: PluginDefinition, lease: Lease) {
    super(container, definition);
    this.#lease = lease;
  }

  override requireService<N extends ServiceName>(name: N): Services[N] {
    const service: unknown = super.requireService(name);
    if (name !== 'database') return service as Services[N];
    this.#database ??= new GuardedDatabase(super.requireService('database'), this.#lease);
    // `N` is `'database'` here, which the compiler does not conclude from the comparison.
    return this.#database as unknown as Services[N];
  }
}
