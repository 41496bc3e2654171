import { BasePlugin, type PluginMetadata, PluginPriority } from '@aico/backend/plugin';

export class DatabasePlugin extends BasePlugin {
  get metadata(): PluginMetadata {
    return {
      name: 'Database Plugin',
      version: '1.0.0',
      description: 'Database integration plugin',
      priority: PluginPriority.NORMAL,
    };
  }

  override async start(): Promise<void> {
    // Use shared connection
    const cursor = await this.requireService('database').execute('SELECT * FROM logs LIMIT 5');
    const results = cursor.fetchAll();
    this.logger.info('Found recent logs', { count: results.length });
  }
}
