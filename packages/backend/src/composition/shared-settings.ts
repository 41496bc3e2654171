import { type ConfigurationManager, Secret } from '@aico/shared/core/config';

/** The key of the configuration that makes a home one that several nodes can share. */
const DATABASE_URL = 'core.database.url';

/** The keys whose values all nodes of a home share, so that a node which joins receives them. */
const SHARED_KEYS = [DATABASE_URL, 'core.message_bus.nats.url', 'core.message_bus.nats.nkey'];

/** The values of the shared keys, revealed; `undefined` if the database is embedded. */
export function sharedSettingsOf(
  config: Pick<ConfigurationManager, 'get'>,
): Readonly<Record<string, string>> | undefined {
  const settings: Record<string, string> = {};
  for (const key of SHARED_KEYS) {
    const value = config.get(key);
    const text = value instanceof Secret ? value.reveal() : value;
    if (typeof text === 'string') settings[key] = text;
  }
  return DATABASE_URL in settings ? settings : undefined;
}
