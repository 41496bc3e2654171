import type { ConfigurationManager } from '@aico/shared/core/config';

export class ConfiguredService {
  readonly port: number;
  readonly greeting: string;

  constructor(config: ConfigurationManager) {
    // Access nested configuration
    const apiConfig = config.get('core.api_gateway', {});
    this.port = apiConfig.get('rest.port', 8771);
    // Plugin-specific configuration
    const pluginConfig = config.get('plugins.my_plugin', {});
    this.greeting = pluginConfig.get('greeting', 'hello');
  }
}
