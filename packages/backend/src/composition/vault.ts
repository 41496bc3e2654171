import type { Logger } from '@aico/shared/core/logging';
import { createMutex } from '@aico/shared/core/tasks';
import type { AICOKeyManager } from '@aico/shared/security';
import type { ServiceContainer } from '../core/container/service-container.ts';

/** A password or another credential that opens the keys. */
export type Credentials = Parameters<AICOKeyManager['unlock']>[0];

/** Where the keys stand, and with them everything that holds data. */
export type VaultState = 'locked' | 'unlocking' | 'unlocked' | 'locking';

export interface VaultOptions {
  readonly container: ServiceContainer;
  readonly keyManager: AICOKeyManager;
  /** Services that run without a key. Everything else holds data, or may. */
  readonly openServices: ReadonlySet<string>;
  readonly logger: Logger;
}

const LOCKED = 'the home is locked';

/**
 * Locks and unlocks a running backend: without the keys nothing runs that holds data. The container keeps it held; on
 * unlocking it starts as at any start, and on locking it stops as at any stop, before the keys are wiped.
 */
export class Vault {
  readonly #options: VaultOptions;
  #state: VaultState = 'unlocked';
  readonly #exclusive = createMutex();

  constructor(options: VaultOptions) {
    this.#options = options;
  }

  get state(): VaultState {
    return this.#state;
  }

  /** For a start without a key: holds everything before it begins. */
  async startLocked(): Promise<void> {
    await this.#hold();
    this.#state = 'locked';
  }

  /**
   * Opens the keys and starts the services that were held. Does nothing when they are open.
   *
   * @throws {AicoError} of the key manager when they do not open, or of the service that did not start; it is locked
   * again then
   */
  async unlock(credentials: Credentials): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#state === 'unlocked') return;
      const { keyManager, container, logger } = this.#options;
      await keyManager.unlock(credentials);
      this.#state = 'unlocking';
      try {
        await container.release();
        this.#state = 'unlocked';
        logger.info('Unlocked');
      } catch (error) {
        keyManager.lock();
        this.#state = 'locked';
        logger.error('The keys opened, but what they open did not start', { error });
        throw error;
      }
    });
  }

  /** Stops the services that hold data, dependents first, and wipes the keys. Does nothing when the home is locked. */
  async lock(): Promise<void> {
    await this.#exclusive(async () => {
      if (this.#state === 'locked') return;
      const { keyManager, logger } = this.#options;
      this.#state = 'locking';
      try {
        await this.#hold();
      } catch (error) {
        this.#state = 'unlocked';
        throw error;
      }
      keyManager.lock();
      this.#state = 'locked';
      logger.info('Locked');
    });
  }

  async #hold(): Promise<void> {
    const { container, openServices } = this.#options;
    const { names } = container;
    await container.hold(
      names.filter((name) => !openServices.has(name)),
      LOCKED,
    );
  }
}
