import { BasePlugin, type PluginMetadata, PluginPriority } from '@aico/backend/plugin';
import { retry } from '@aico/shared/core/tasks';

export class ResilientPlugin extends BasePlugin {
  attempts = 0;
  failuresBeforeSuccess = 2;

  get metadata(): PluginMetadata {
    return {
      name: 'Resilient',
      version: '1.0.0',
      description: 'Tries again',
      priority: PluginPriority.NORMAL,
    };
  }

  /** Exponential backoff with jitter; the last failure is thrown. */
  override async start(): Promise<void> {
    const attempts = 3;
    await retry(() => this.initializeService(), {
      attempts,
      minDelayMs: 1,
      signal: this.signal,
      onFailure: (error, attempt) => {
        this.logger.warn('Initialization failed', { attempt, error });
        if (attempt === attempts) this.logger.error('Max retries exceeded, plugin failed to start');
      },
    });
  }

  async initializeService(): Promise<void> {
    this.attempts += 1;
    if (this.attempts <= this.failuresBeforeSuccess) throw new Error('the other side is not up yet');
  }
}
