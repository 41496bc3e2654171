import { isKeyWord } from '@aico/shared/core/config';

const NAME = /^[a-z][a-z0-9_-]*$/;

/** The rule of {@link isPluginName}, to be read after "must be". */
export const PLUGIN_NAME_RULE =
  'lower-case letters and digits, beginning with a letter, with single "-" or "_" between them, and not a word that ' +
  'configuration cannot hold';

/** Whether a plugin can have the name: it is also a key of the configuration, a place of routes and a part of topics. */
export function isPluginName(name: unknown): name is string {
  return typeof name === 'string' && NAME.test(name) && isKeyWord(name);
}
