import type { Logger } from '@aico/shared/core/logging';
import type { Candidacy, Leases } from '@aico/shared/data/leases';
import type { HealthCheckResult } from '../core/health/types.ts';
import type { JoiningNode, MemberNode, NodeRegistry } from './node-registry.ts';

/** A node of the home, and whether it runs. */
export interface NodeStatus extends MemberNode {
  /** Whether its backend has renewed its lease lately. */
  readonly isPresent: boolean;
  /** Whether it is the node that was asked. */
  readonly isSelf: boolean;
}

interface MembershipOptions {
  readonly registry: NodeRegistry;
  readonly leases: Leases;
  readonly self: JoiningNode & { readonly id: string; readonly version: string };
  /** Called once when this node has been removed from the home. */
  readonly onRemoved: (removedAt: string) => void;
  readonly logger: Logger;
}

/** This node among those of its home: it is present while it holds a lease of its own, and stops when it is removed. */
export class Membership {
  readonly #options: MembershipOptions;
  #presence: Candidacy | undefined;
  #isRemoved = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  /**
   * Enters the home. The table of nodes and the leases have been started.
   * @throws {NodeRemovedError}
   */
  async start(): Promise<void> {
    const { registry, leases, self } = this.#options;
    await registry.enter(self, self.version);
    // Not awaited: after a crash the lease of the earlier process has to end first.
    this.#presence = leases.apply(leaseOf(self.id), async ({ signal }) => {
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
    });
  }

  /** Looks whether this node was removed. Called at least once a second. */
  async check(): Promise<void> {
    if (this.#isRemoved) return;
    const { registry, self, onRemoved, logger } = this.#options;
    const removedAt = await registry.removedAt(self.id);
    // Two checks may have been in flight.
    if (removedAt === undefined || this.#isRemoved) return;
    this.#isRemoved = true;
    logger.error('This node was removed from the home: its backend stops', { node: self.id });
    onRemoved(removedAt);
  }

  async list(): Promise<readonly NodeStatus[]> {
    const { registry, leases, self } = this.#options;
    const [nodes, held] = await Promise.all([registry.list(), leases.list()]);
    const present = new Set(held.filter(({ isCurrent }) => isCurrent).map(({ name }) => name));
    return nodes.map((node) => ({
      ...node,
      isPresent: present.has(leaseOf(node.id)),
      isSelf: node.id === self.id,
    }));
  }

  health(): HealthCheckResult {
    return this.#presence?.lease === undefined
      ? {
          status: 'degraded',
          detail:
            'this node does not hold its lease: the database does not answer, its last process ended less than 16 seconds ago, or a copy of this home runs elsewhere',
        }
      : { status: 'healthy' };
  }

  async stop(): Promise<void> {
    const { registry, self } = this.#options;
    await this.#presence?.stop();
    // A database that is away must not fail the stop.
    await registry.leave(self.id).catch(() => undefined);
  }
}

function leaseOf(node: string): string {
  return `node/${node}`;
}
