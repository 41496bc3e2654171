import { BasePlugin, type PluginMetadata, PluginPriority, type ServiceContainer } from '@aico/backend/plugin';
import type { ConfigurationManager } from '@aico/shared/core/config';
import { createInfrastructureLogger } from '@aico/shared/core/logging';
import type { Database } from '@aico/shared/data';

export class MyPlugin extends BasePlugin {
  config: ConfigurationManager | undefined;
  dbConnection: Database | undefined;

  constructor(name: string, container: ServiceContainer) {
    super(name, container);
    this.logger = createInfrastructureLogger('aico.infrastructure.plugin.my_plugin');
  }

  get metadata(): PluginMetadata {
    return {
      name: 'My Plugin',
      version: '1.0.0',
      description: 'Example plugin implementation',
      priority: PluginPriority.NORMAL,
    };
  }

  /** Initialize plugin with required services. */
  override async initialize(): Promise<void> {
    this.config = this.requireService('config');
    this.dbConnection = this.requireService('database');
  }

  /** Start plugin services. */
  override async start(): Promise<void> {
    this.logger.info('Starting MyPlugin');
  }

  /** Stop plugin services. */
  override async stop(): Promise<void> {
    this.logger.info('Stopping MyPlugin');
  }
}
