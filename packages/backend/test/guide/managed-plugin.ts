import { BasePlugin, type PluginMetadata, PluginPriority } from '@aico/backend/plugin';
import { sleep } from '@aico/shared/core/tasks';

export class ManagedPlugin extends BasePlugin {
  processed = 0;

  get metadata(): PluginMetadata {
    return {
      name: 'Managed',
      version: '1.0.0',
      description: 'Works in the background',
      priority: PluginPriority.NORMAL,
    };
  }

  override async start(): Promise<void> {
    // Cancelled and awaited by the base class at stop; an error is logged and the worker restarted after a pause.
    this.runInBackground('worker', (signal) => this.backgroundWorker(signal));
  }

  async backgroundWorker(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.processQueue();
      await sleep(1_000, signal);
    }
  }

  async processQueue(): Promise<void> {
    this.processed += 1;
  }
}
