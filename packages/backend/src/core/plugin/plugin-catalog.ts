import type { Topic } from '@aico/shared/core/bus';
import { ExtensionRegistry } from './extensions.ts';
import type { PluginDefinition } from './plugin-definition.ts';

declare module '../services.ts' {
  interface Services {
    plugins: PluginCatalog;
  }
}

/** The service `'plugins'`: the definitions of all registered plugins. */
export class PluginCatalog {
  readonly extensions = new ExtensionRegistry();
  readonly #definitions = new Map<string, PluginDefinition>();

  add(definition: PluginDefinition): void {
    this.#definitions.set(definition.name, definition);
  }

  /** Takes out the definitions `remove`, and adds or replaces `definitions`. */
  replace(definitions: readonly PluginDefinition[], remove: readonly string[]): void {
    for (const name of remove) this.#definitions.delete(name);
    for (const definition of definitions) this.add(definition);
  }

  find(name: string): PluginDefinition | undefined {
    return this.#definitions.get(name);
  }

  /** All definitions, in the order of their registration. */
  get all(): readonly PluginDefinition[] {
    return [...this.#definitions.values()];
  }

  /** The topic of this name, where a plugin declares one. */
  topic(name: string): Topic | undefined {
    for (const { topics = [] } of this.#definitions.values())
      for (const topic of topics) if (topic.name === name) return topic;
    return undefined;
  }

  /** Every capability that a plugin declares. */
  get capabilities(): readonly string[] {
    return this.all.flatMap(({ capabilities = {} }) => Object.keys(capabilities));
  }

  declaresCapability(access: string): boolean {
    return this.all.some(({ capabilities = {} }) => Object.hasOwn(capabilities, access));
  }
}
