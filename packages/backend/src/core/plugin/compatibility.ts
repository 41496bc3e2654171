import { VERSION } from '../../version.ts';
import { PluginIncompatibleError } from '../errors.ts';
import type { PluginManifest } from './plugin-module.ts';

/** The name of the package that plugins are written against. */
const BACKEND = '@aico/backend';

/**
 * Refuses a plugin whose package.json names a range that this backend, or the Node it runs on, is not in. The range of the
 * backend is that of `peerDependencies`, `dependencies` or `engines`. Specifications that are no range, such as `file:…`,
 * are passed over.
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
    // A backend of a pre-release is of the version that it precedes.
    const isOutside = semver.validRange(range) !== null && !semver.satisfies(version, range, PRERELEASES);
    if (isOutside) throw new PluginIncompatibleError({ specifier, folder, software, range, version });
  }
}

const PRERELEASES = { includePrerelease: true };
