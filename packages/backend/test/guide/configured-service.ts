import type { ConfigurationManager } from '@aico/shared/core/config';

export class ConfiguredService {
  readonly port: number;

  constructor(config: ConfigurationManager) {
    // Access nested configuration
    const apiConfig = config.get('core.api_gateway', {});
    this.port = apiConfig.get('rest.port', 8771);
  }
}
