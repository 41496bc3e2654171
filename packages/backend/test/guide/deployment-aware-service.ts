import type { ConfigurationManager } from '@aico/shared/core/config';

export class DeploymentAwareService {
  readonly logLevel: 'info' | 'debug';
  readonly connectionTimeoutMs: number;

  constructor(config: ConfigurationManager) {
    const production = config.get('environment', 'development') === 'production';
    this.logLevel = production ? 'info' : 'debug';
    this.connectionTimeoutMs = production ? 30_000 : 5_000;
  }
}
