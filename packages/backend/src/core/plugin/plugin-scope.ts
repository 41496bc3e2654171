import type { Logger } from '@aico/shared/core/logging';
import { Scope } from '../lifecycle.ts';
import { PluginStoppedError } from './errors.ts';
import { type Held, type Release, ReleaseStack } from './release-stack.ts';

/**
 * All resources that one plugin has opened. They are released in two steps, with the plugin's own `stop()` between them: first
 * routes, subscriptions and consumers are closed, so that nothing is in flight when `stop()` runs; then everything else is
 * released. Within each step the last opened is released first.
 */
export class PluginScope extends Scope {
  readonly #plugin: string;
  readonly #logger: () => Logger;
  readonly #controller = new AbortController();
  readonly #intake = new ReleaseStack();
  readonly #resources = new ReleaseStack();
  #state: 'open' | 'draining' | 'released' = 'open';

  constructor(plugin: string, logger: () => Logger) {
    super();
    this.#plugin = plugin;
    this.#logger = logger;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The names of all open resources: `routes of notes`, `consumer "notes-counter"`. */
  get opened(): readonly string[] {
    return [...this.#intake.names, ...this.#resources.names];
  }

  /**
   * Opens a route, subscription or consumer, and owns it afterwards.
   *
   * @throws {PluginStoppedError} when the plugin was stopped before or meanwhile; the opened resource is released
   */
  async openIntake<T>(
    name: string,
    open: () => Promise<T>,
    release: (opened: T, deadline?: AbortSignal) => unknown,
  ): Promise<{ readonly opened: T; readonly held: Held }> {
    if (this.#isClosing()) throw new PluginStoppedError(this.#plugin, name);
    const opened = await open();
    // The plugin was stopped while this was being opened, so the stop did not release it.
    if (this.#isClosing()) {
      await release(opened);
      throw new PluginStoppedError(this.#plugin, name);
    }
    return { opened, held: this.#intake.add(name, (deadline) => release(opened, deadline)) };
  }

  /** @throws {PluginStoppedError} when the plugin was stopped before; `release` has been called then */
  own(name: string, release: Release): Held {
    if (this.#state !== 'released') return this.#resources.add(name, release);
    Promise.try(release).catch((error: unknown) => {
      this.#logger().error(`${name} was opened after the stop and could not be released`, { error });
    });
    throw new PluginStoppedError(this.#plugin, name);
  }

  /**
   * Runs `work` with a signal of its own until it ends or the plugin stops.
   *
   * @throws {PluginStoppedError} when the plugin was stopped before
   */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): Held {
    if (this.#isClosing() || this.signal.aborted) throw new PluginStoppedError(this.#plugin, name);
    const controller = new AbortController();
    const forward = (): void => controller.abort(this.signal.reason);
    this.signal.addEventListener('abort', forward, { once: true });
    const ended = Promise.resolve()
      .then(() => work(controller.signal))
      .finally(() => {
        this.signal.removeEventListener('abort', forward);
        held.forget();
      });
    const held = this.#resources.add(name, () => {
      controller.abort();
      return ended;
    });
    return held;
  }

  override cancel(reason: unknown): void {
    this.#controller.abort(reason);
  }

  override async drain(deadline: AbortSignal): Promise<void> {
    if (this.#state === 'open') this.#state = 'draining';
    try {
      await this.#intake.releaseAll(deadline);
    } finally {
      this.#controller.abort();
    }
  }

  override async release(deadline: AbortSignal): Promise<void> {
    this.#state = 'released';
    this.#controller.abort();
    await this.#resources.releaseAll(deadline);
  }

  #isClosing(): boolean {
    return this.#state !== 'open';
  }
}
