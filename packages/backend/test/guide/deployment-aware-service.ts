import type { ConfigurationManager } from '@aico/shared/core/config';

export class DeploymentAwareService {
  readonly environment: string;
  logLevel: 'info' | 'debug' = 'info';
  enableMetrics = true;
  connectionTimeoutMs = 30_000;

  constructor(config: ConfigurationManager) {
    this.environment = config.get('environment', 'development');
    if (this.environment === 'production') this.setupProductionConfig();
    else this.setupDevelopmentConfig();
  }

  setupProductionConfig(): void {
    this.logLevel = 'info';
    this.enableMetrics = true;
    this.connectionTimeoutMs = 30_000;
  }

  setupDevelopmentConfig(): void {
    this.logLevel = 'debug';
    this.enableMetrics = false;
    this.connectionTimeoutMs = 5_000;
  }
}
