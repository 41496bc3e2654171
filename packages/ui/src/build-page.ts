import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** The page as it is served. */
interface BuiltPage {
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Folders of the installed libraries whose code the files contain. */
  readonly libraries: readonly string[];
}

const ENTRY = fileURLToPath(new URL('./page/main.tsx', import.meta.url));

/** Bundles and minifies the script and the style sheet of the page. */
export async function buildPage(): Promise<BuiltPage> {
  const folder = path.dirname(ENTRY);
  const { outputFiles, metafile } = await build({
    absWorkingDir: folder,
    entryPoints: { page: ENTRY },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: ['chrome120', 'firefox128', 'safari17.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const built = outputFiles.map(({ path: file, contents }) => [path.basename(file), contents] as const);
  const libraries = Object.keys(metafile.inputs).flatMap((input) => {
    const [library] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
    return library === undefined ? [] : [path.resolve(folder, library)];
  });
  const document = await readFile(path.join(folder, 'index.html'));
  return { files: new Map([['index.html', document], ...built]), libraries: [...new Set(libraries)] };
}
