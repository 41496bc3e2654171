/** `@aico/ui`: the files of the page that `aico ui` serves. */
import { readdir, readFile } from 'node:fs/promises';

/** The files of the page by their names: `index.html`, `page.js` and `page.css`. */
export type PageFiles = ReadonlyMap<string, Uint8Array>;

/**
 * Reads the files of the page. In the workspace, where they are not built ahead, it builds them from the sources.
 *
 * @example const files = await pageFiles();
 */
export async function pageFiles(): Promise<PageFiles> {
  const folder = new URL('./files/', import.meta.url);
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (names === undefined) {
    // Computed, so that the packed module does not contain the bundler.
    const builder = new URL('./build-page.ts', import.meta.url);
    const { buildPage }: typeof import('./build-page.ts') = await import(builder.href);
    return (await buildPage()).files;
  }
  const contents = names.map(async (name) => [name, await readFile(new URL(name, folder))] as const);
  return new Map(await Promise.all(contents));
}
