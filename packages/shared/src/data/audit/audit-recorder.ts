import { createMutex } from '../../core/tasks/index.ts';
import type { Transaction } from '../types.ts';
import type { SecurityEvent } from './audit-actions.ts';
import { BACKEND, type NotedEvent, note } from './audit-event.ts';
import type { AuditTrail } from './audit-trail.ts';
import { PendingEvents } from './pending-events.ts';

/** Events that wait in memory at most, while neither the database nor the file can be written. The oldest are dropped first. */
const MOST_WAITING = 1_000;

export interface AuditRecorderOptions {
  /** The file in which events wait that happen while no trail is open. */
  readonly pendingFile: string;
  /** Default: the device or local user whose request is handled, or the backend itself. */
  readonly actor?: string;
  /** Called when an event could not be written. It stays in memory and is written with the next. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Records security-relevant events: in the trail while one is open, otherwise in a file from which the trail takes them over.
 * Recording never fails, since the event has happened already: one that can be written nowhere waits in memory.
 *
 * @example
 * ```ts
 * const audit = new AuditRecorder({ pendingFile: paths.auditPendingFile, onFailure });
 * await audit.record({ action: 'bus.revoked', subject: component });
 * ```
 */
export class AuditRecorder {
  readonly #options: AuditRecorderOptions;
  readonly #pending: PendingEvents;
  readonly #exclusive = createMutex();
  #trail: AuditTrail | undefined;
  #waiting: readonly NotedEvent[] = [];

  constructor(options: AuditRecorderOptions) {
    this.#options = options;
    this.#pending = new PendingEvents(options.pendingFile);
  }

  /** The number of events that are in memory alone. */
  get unwritten(): number {
    return this.#waiting.length;
  }

  /** Records events in this trail from now on, until it is called with `undefined`. The next {@link flush} writes those that wait. */
  use(trail: AuditTrail | undefined): void {
    this.#trail = trail;
  }

  /**
   * Records an event. Durable when it resolves.
   *
   * @param isUrgent `false` for an event that may wait for the trail, which opens next
   */
  async record(event: SecurityEvent, isUrgent = true): Promise<void> {
    const { actor } = this.#options;
    const noted = note(actor === undefined ? event : { actor, ...event });
    this.#waiting = [...this.#waiting, noted].slice(-MOST_WAITING);
    if (isUrgent || this.#trail !== undefined) await this.flush();
  }

  /** Records an event in the transaction that makes the change: both become durable, or neither. Needs an open trail. */
  async within(tx: Transaction, event: SecurityEvent): Promise<void> {
    if (this.#trail === undefined) throw new TypeError('the audit trail is not open');
    await this.#trail.within(tx, event);
  }

  /** Writes the events that wait in memory, and takes over those of the file where a trail is open. */
  async flush(): Promise<void> {
    await this.#exclusive(async () => {
      const events = this.#waiting;
      const written = (): void => {
        const gone = new Set(events);
        this.#waiting = this.#waiting.filter((event) => !gone.has(event));
      };
      const trail = this.#trail;
      try {
        if (trail !== undefined) {
          await this.#pending.drain((noted, lines) =>
            trail.recordNoted([
              ...noted,
              ...(lines === 0 ? [] : [note({ actor: BACKEND, action: 'audit.damaged', details: { lines } })]),
            ]),
          );
          if (events.length > 0) await trail.recordNoted(events);
          written();
          return;
        }
      } catch (error) {
        this.#options.onFailure(error);
      }
      if (events.length === 0) return;
      try {
        await this.#pending.append(events);
        written();
      } catch (error) {
        this.#options.onFailure(error);
      }
    });
  }
}
