import { whyNotPluginName } from '@aico/backend/plugin-names';
import { shellQuoted } from '@aico/shared/core/paths';
import { pathArgument } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { makePlugin } from '../plugins/scaffold.ts';
import { styles } from '../terminal/style.ts';

/** The most characters of a name: lines that contain it stay as they are formatted. */
const LONGEST_NAME = 40;

/**
 * `aico plugin new NAME`
 *
 * @param commands the names of all commands of `aico`
 */
export async function newPlugin(
  { output }: CommandContext,
  name: string,
  { folder = name }: { readonly folder?: string },
  commands: readonly string[],
): Promise<void> {
  const reason = whyNotPluginName(name) ?? ownReason(name, commands);
  if (reason !== undefined)
    throw new UsageError(`"${name}" ${reason}`, 'Choose another name, such as notes or word-counter.');
  const place = pathArgument(folder);
  const files = await makePlugin(name, place);
  const next = [`cd ${shellQuoted(folder)} && npm install`, 'npm test', 'npm start'];
  output.print({ name, folder: place, files, next }, () =>
    [
      `Made the plugin ${styles.bold(name)} in ${place}:`,
      ...files.map((file) => `  ${file}`),
      '',
      'Next:',
      ...next.map((command) => `  ${styles.cyan(command)}`),
    ].join('\n'),
  );
}

/** Why a name would not do for the new package, although a plugin could be loaded under it. */
function ownReason(name: string, commands: readonly string[]): string | undefined {
  if (commands.includes(name)) return 'is a command of aico, so the plugin could add none';
  if (/^sqlite(?:[_-]|$)/.test(name)) return 'begins as the tables of SQLite itself do';
  return name.length > LONGEST_NAME ? `is longer than ${LONGEST_NAME} characters` : undefined;
}
