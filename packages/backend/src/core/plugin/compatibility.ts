import { VERSION } from '../../version.ts';
import { PluginIncompatibleError } from './errors.ts';
import type { PluginManifest } from './plugin-module.ts';

/** The name of the package that plugins are written against. */
const BACKEND = '@aico/backend';

/**
 * Refuses a plugin whose package.json states a range that excludes this backend or the running Node. The range of the backend
 * is that of `peerDependencies`, `dependencies` or `engines`. Specifications that are not ranges, such as `file:…`, are
 * ignored.
 *
 * @throws {PluginIncompatibleError}
 */
export async function refuseIncompatible(
  specifier: string,
  folder: string,
  { peerDependencies, dependencies, engines }: PluginManifest,
): Promise<void> {
  const required = [
    [BACKEND, peerDependencies?.[BACKEND] ?? dependencies?.[BACKEND], VERSION],
    [BACKEND, engines?.[BACKEND], VERSION],
    ['Node.js', engines?.node, process.versions.node],
  ] as const;
  for (const [software, range, version] of required) {
    if (range === undefined) continue;
    const { default: semver } = await import('semver');
    // A pre-release counts as the version that it precedes.
    const isOutside = semver.validRange(range) !== null && !semver.satisfies(version, range, PRERELEASES);
    if (isOutside) throw new PluginIncompatibleError({ specifier, folder, software, range, version });
  }
}

const PRERELEASES = { includePrerelease: true };
