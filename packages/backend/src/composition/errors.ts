import { AicoError } from '@aico/protocol';

/** A plugin describes its configuration with something that is no object schema. */
export class PluginConfigError extends AicoError {
  readonly plugin: string;

  constructor(plugin: string) {
    super(
      'AICO_PLUGIN_CONFIG',
      `plugin "${plugin}" describes its configuration with something else than an object`,
      {
        hint: 'Make `config` of its definition a Type.Object({ … }).',
      },
    );
    this.plugin = plugin;
  }
}
