import { stat } from 'node:fs/promises';
import { ConfigurationManager, type ConfigurationManagerOptions } from './configuration-manager.ts';
import { type ConfigProblem, ConfigUnreadableError } from './errors.ts';

export interface ValidateOptions extends ConfigurationManagerOptions {
  /** A file to check in the place of the user's. Unlike that one it must exist. */
  readonly file?: string;
}

/**
 * Everything that is wrong with the configuration, without starting or throwing anything: what
 * `aico config validate` prints. Empty when `initialize()` would succeed.
 *
 * @example
 * ```ts
 * const problems = await validateConfiguration({ paths, sections });
 * for (const problem of problems) console.error(describeProblem(problem));
 * ```
 */
export async function validateConfiguration({
  file,
  ...options
}: ValidateOptions): Promise<readonly ConfigProblem[]> {
  const missing = file === undefined ? undefined : await whyMissing(file);
  if (missing !== undefined) return missing.problems;
  const { paths } = options;
  // Without a home there are no environments' files either.
  const environmentFile = (environment: string): string => paths?.environmentFile(environment) ?? '';
  const config = new ConfigurationManager({
    ...options,
    ...(file === undefined ? {} : { paths: { configFile: file, environmentFile } }),
  });
  await config.initialize({ lightweight: true });
  return config.problems;
}

async function whyMissing(file: string): Promise<ConfigUnreadableError | undefined> {
  try {
    await stat(file);
    return undefined;
  } catch (error) {
    return new ConfigUnreadableError(file, 'user file', error);
  }
}
