import {
  BasePlugin,
  type HealthCheckResult,
  type PluginMetadata,
  PluginPriority,
} from '@aico/backend/plugin';

export class HealthCheckPlugin extends BasePlugin {
  get metadata(): PluginMetadata {
    return {
      name: 'Health',
      version: '1.0.0',
      description: 'Reports its health',
      priority: PluginPriority.NORMAL,
    };
  }

  /** Shows up in /api/v1/health under the plugin's name, for as long as it runs. */
  override async healthCheck(): Promise<HealthCheckResult> {
    const checks = {
      database: await this.checkDatabase(),
      message_bus: await this.checkMessageBus(),
      external_services: await this.checkExternalServices(),
    };
    const allHealthy = Object.values(checks).every((healthy) => healthy);
    return {
      status: allHealthy ? 'healthy' : 'unhealthy',
      data: { checks, timestamp: new Date().toISOString() },
    };
  }

  async checkDatabase(): Promise<boolean> {
    const { rows } = await this.requireService('database').execute('SELECT 1 AS one');
    return rows.length === 1;
  }

  /** One message there and back. A check that does not answer is unhealthy by itself, after ten seconds. */
  async checkMessageBus(): Promise<boolean> {
    let hear = () => {};
    const heard = new Promise<void>((resolve) => {
      hear = resolve;
    });
    const subscription = await this.subscribe('health.ping', () => hear());
    await this.requireService('message_bus').publish('health.ping', {});
    await heard;
    await subscription.unsubscribe();
    return true;
  }

  async checkExternalServices(): Promise<boolean> {
    return true;
  }
}
