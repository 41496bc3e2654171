import { type Database, type DatabaseView, isOwnable } from '@aico/shared/data';
import type { ServiceContainer } from '../../core/container/service-container.ts';
import { LOG_STORE } from '../reserved-names.ts';

/** Gives each plugin a database view under its own name. */
export class PluginTables {
  readonly #container: ServiceContainer;
  readonly #isBuiltIn: (name: string) => boolean;

  constructor(container: ServiceContainer, isBuiltIn: (name: string) => boolean) {
    this.#container = container;
    this.#isBuiltIn = isBuiltIn;
  }

  /** The database view of a plugin; `undefined` for a part of the backend. */
  viewOf(database: Database, consumer: string): DatabaseView | undefined {
    if (this.#isBuiltIn(consumer) || !isOwnable(database)) return undefined;
    const { reads = [], ...grants } = this.#container.findService('plugins')?.find(consumer)?.tables ?? {};
    const service = this.#container.report().services.find(({ name }) => name === consumer);
    const readsLogs = service?.dependencies.includes(LOG_STORE) === true;
    return database.ownedBy(consumer, { ...grants, reads: readsLogs ? [...reads, LOG_STORE] : reads });
  }
}
