import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

/** The fields of a package.json that are read here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly description?: string;
  readonly exports?: ExportTarget;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** A file, or targets by subpath or condition. */
export type ExportTarget = string | { readonly [key: string]: ExportTarget };

/** A package of the workspace that is published. */
export interface WorkspacePackage {
  /** Absolute. */
  readonly folder: string;
  readonly manifest: Manifest;
}

export function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The packages below packages/; the examples are to be copied, not installed. */
export function workspacePackages(): readonly WorkspacePackage[] {
  return globSync('packages/*/package.json', { cwd: ROOT })
    .sort()
    .map((file) => path.join(ROOT, path.dirname(file)))
    .map((folder) => ({ folder, manifest: readManifest(folder) }));
}

/** Every file that the targets name. */
export function filesOf(target: ExportTarget | undefined): readonly string[] {
  if (target === undefined) return [];
  return typeof target === 'string' ? [target] : Object.values(target).flatMap(filesOf);
}
