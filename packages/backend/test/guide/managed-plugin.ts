import { BasePlugin, type PluginMetadata, PluginPriority } from '@aico/backend/plugin';
import { sleep } from '@aico/shared/core/tasks';

export class ManagedPlugin extends BasePlugin {
  running = false;
  processed = 0;
  /** The wait between two rounds, and after an error. */
  pauses = { betweenMs: 1_000, afterErrorMs: 5_000 };
  readonly queue: (() => Promise<void>)[] = [];

  get metadata(): PluginMetadata {
    return {
      name: 'Managed',
      version: '1.0.0',
      description: 'Works in the background',
      priority: PluginPriority.NORMAL,
    };
  }

  override async start(): Promise<void> {
    this.running = true;
    // The base class aborts the signal at the stop and waits for the worker to end.
    this.runInBackground('worker', (signal) => this.backgroundWorker(signal));
  }

  override async stop(): Promise<void> {
    this.running = false;
  }

  async backgroundWorker(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.processQueue();
        await sleep(this.pauses.betweenMs, signal);
      } catch (error) {
        if (signal.aborted) break;
        this.logger.error('Background worker error', { error });
        await sleep(this.pauses.afterErrorMs, signal);
      }
    }
    this.logger.info('Background worker cancelled');
  }

  async processQueue(): Promise<void> {
    for (let job = this.queue.shift(); job !== undefined; job = this.queue.shift()) await job();
    this.processed += 1;
  }
}
