import type { ServiceContainer } from '../container/service-container.ts';
import type { HealthCheckResult } from '../health/types.ts';
import type { Lifecycle } from '../lifecycle.ts';
import { PluginContext } from './plugin-context.ts';
import type { PluginDefinition } from './plugin-definition.ts';

/** A plugin that is declared by a function, which it calls at its start with the plugin API. */
export class StartedPlugin extends PluginContext implements Lifecycle {
  readonly #container: ServiceContainer;
  readonly #definition: PluginDefinition;
  healthCheck?: NonNullable<Lifecycle['healthCheck']>;

  constructor(container: ServiceContainer, definition: PluginDefinition) {
    super(definition.name, container);
    this.#container = container;
    this.#definition = definition;
  }

  get config(): unknown {
    return configOf(this.#container, this.#definition);
  }

  onHealthCheck(check: (signal: AbortSignal) => HealthCheckResult | Promise<HealthCheckResult>): void {
    this.healthCheck = check;
  }

  async start(): Promise<void> {
    await this.#definition.start?.(this);
  }
}

/** The current section of the plugin's configuration. */
export function configOf(container: ServiceContainer, { name, config }: PluginDefinition): unknown {
  if (config === undefined) return {};
  return container.findService('config')?.registerSection({ path: `plugins.${name}`, schema: config });
}
