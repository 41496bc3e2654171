import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { readManifest } from './workspace.ts';

/** The licences of the libraries in these folders, whose code is packed, one after another. */
export function licensesOf(folders: readonly string[]): string {
  return [...folders]
    .sort()
    .map((folder) => {
      const { name, version, license } = readManifest(folder);
      const texts = globSync('{LICENSE,LICENCE,license,License}*', { cwd: folder })
        .sort()
        .map((file) => readFileSync(path.join(folder, file), 'utf8').trim());
      return [`${name} ${version} (${license})`, ...texts, ''].join('\n\n');
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}
