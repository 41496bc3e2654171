import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { placeOf, withoutGenerations } from '../failure-place.ts';

/** The most modules of one plugin that are searched. */
const MOST_MODULES = 200;

/**
 * File and line of the error that keeps a module from being loaded, if the error itself does not contain them.
 *
 * @returns `/home/anna/notes/plugin.mjs:12`
 */
export async function placeOfImportFailure(error: unknown, entry: string): Promise<string | undefined> {
  if (placeOf(error) !== undefined || !(error instanceof Error)) return undefined;
  if (error instanceof SyntaxError) return findSyntaxError(entry);
  const [, missing = '', importer] =
    /^Cannot find (?:module|package) '([^']*)' imported from (\/.*?)(?:\n|$)/.exec(
      withoutGenerations(error.message),
    ) ?? [];
  return importer === undefined ? undefined : findImport(importer, missing);
}

/** The line of `importer` that imports a missing module. */
async function findImport(importer: string, missing: string): Promise<string> {
  const lines = (await readFile(importer, 'utf8').catch(() => '')).split('\n');
  const name = path.basename(missing);
  const index = lines.findIndex((line) => /\b(?:import|from)\b/.test(line) && line.includes(name));
  return index === -1 ? importer : `${importer}:${index + 1}`;
}

/**
 * The location of a syntax error in a module, or in one that it imports by a relative path. Node's import() does not report it
 * for JavaScript; `node --check` does, without running anything.
 *
 * @returns `/home/anna/notes/plugin.mjs:12`, or `undefined` if every module can be parsed
 */
async function findSyntaxError(entry: string): Promise<string | undefined> {
  const modules = new Set([entry]);
  for (const file of modules) {
    const place = await check(file);
    if (place !== undefined) return place;
    const text = await readFile(file, 'utf8').catch(() => '');
    for (const [, relative = ''] of text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.{1,2}\/[^'"]+)['"]/g))
      if (modules.size < MOST_MODULES) modules.add(path.resolve(path.dirname(file), relative));
  }
  return undefined;
}

function check(file: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', file], (error, _stdout, stderr) =>
      resolve(error === null ? undefined : /^(?:file:\/\/)?(\/.+:\d+)$/m.exec(stderr)?.[1]),
    );
  });
}
