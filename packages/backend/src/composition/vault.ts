import type { Logger } from '@aico/shared/core/logging';
import { createMutex } from '@aico/shared/core/tasks';
import type { AuditRecorder } from '@aico/shared/data/audit';
import type { AICOKeyManager } from '@aico/shared/security';
import type { ServiceContainer } from '../core/container/service-container.ts';

/** A password or another credential that unlocks the keys. */
export type Credentials = Parameters<AICOKeyManager['unlock']>[0];

/** The state of the keys and of all services that hold data. */
type VaultState = 'locked' | 'unlocking' | 'unlocked' | 'locking';

interface VaultOptions {
  readonly container: ServiceContainer;
  readonly keyManager: AICOKeyManager;
  /** Services that run without a key. All others may hold data. */
  readonly openServices: ReadonlySet<string>;
  readonly logger: Logger;
  readonly audit: Pick<AuditRecorder, 'record'>;
}

const LOCKED = 'the home is locked';

/**
 * Locks and unlocks a running backend. While it is locked, the container holds all services that may hold data. Unlocking
 * starts them as at any start; locking stops them before the keys are wiped.
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

  /** Holds all services that may hold data, for a start without a key. */
  async startLocked(): Promise<void> {
    await this.#hold();
    this.#state = 'locked';
  }

  /**
   * Unlocks the keys and starts the held services. Does nothing when the home is unlocked.
   *
   * @throws {AicoError} of the key manager when the credentials are wrong, or of the service that failed to start; the home is then locked again
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
      const { keyManager, logger, audit } = this.#options;
      this.#state = 'locking';
      // While the trail is open.
      await audit.record({ action: 'keys.locked' });
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
