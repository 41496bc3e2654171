import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * Entry points that are loaded together, by the file of dist/ that has the code of all of them: Node takes about a millisecond to
 * load a file. The file exports the names of all its entry points. Commands that need no backend load none of its host.
 */
const TOGETHER: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  '@aico/backend': {
    host: ['src/index.ts', 'src/host.ts', 'src/plugin.ts'],
    configuration: [
      'src/composition/core-sections.ts',
      'src/composition/errors.ts',
      'src/composition/plugin-sources.ts',
      'src/composition/read-configuration.ts',
      'src/composition/reserved-names.ts',
      'src/core/plugin/compatibility.ts',
      'src/core/plugin/plugin-module.ts',
    ],
    instance: [
      'src/core/exit-codes.ts',
      'src/core/process/leave.ts',
      'src/instance/home-holder.ts',
      'src/instance/instance-file.ts',
      'src/instance/process-identity.ts',
    ],
  },
  '@aico/cli': {
    base: [
      'src/context.ts',
      'src/errors.ts',
      'src/program.ts',
      'src/run-command.ts',
      'src/terminal/output.ts',
      'src/terminal/style.ts',
      'src/terminal/table.ts',
    ],
  },
  '@aico/client': { local: ['src/ask.ts', 'src/local.ts'] },
  '@aico/protocol': {
    index: ['src/index.ts', 'src/timing/index.ts'],
  },
  '@aico/shared': {
    core: [
      'src/core/bus/index.ts',
      'src/core/config/index.ts',
      'src/core/logging/index.ts',
      'src/core/tasks/index.ts',
      'src/core/tracing/index.ts',
    ],
    data: [
      'src/data/audit/index.ts',
      'src/data/index.ts',
      'src/data/streams/index.ts',
      'src/security/index.ts',
    ],
    paths: ['src/core/paths/index.ts', 'src/core/system-errors/index.ts'],
  },
};

/**
 * The file of {@link TOGETHER} that every other entry point of a package imports, also where it does not use all of it. Its modules
 * are then in one file, and not in one for each set of entry points that share them.
 */
const BASE: Readonly<Record<string, string>> = { '@aico/cli': 'base', '@aico/protocol': 'index' };

/** The import of a module that becomes an entry point of its own. */
const DYNAMIC_IMPORT = /\bimport\('(\.[^']+)'\)/g;

/** The modules that import the base of a package, and that import. */
export function importsOfBase(
  folder: string,
  packageName: string,
  entries: readonly string[],
): { readonly modules: ReadonlySet<string>; readonly statement: string } {
  const base = BASE[packageName];
  if (base === undefined) return { modules: new Set(), statement: '' };
  const sources = globSync('src/**/*.ts', { cwd: folder }).map((file) => path.join(folder, file));
  const imported = sources.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(DYNAMIC_IMPORT)].map(([, target = '']) =>
      path.resolve(path.dirname(file), target),
    ),
  );
  const modules = new Set([...imported, ...entries.map((entry) => path.resolve(folder, entry))]);
  for (const source of TOGETHER[packageName]?.[base] ?? []) modules.delete(path.join(folder, source));
  return { modules, statement: `\nimport 'together:${base}';` };
}

/** Where the code of an entry point of a package lies in it. */
export function packedName(packageName: string, source: string): string {
  const file = fileOf(packageName, source);
  return file === undefined ? bundledName(source) : `dist/${file}.js`;
}

/** The entry points of a bundle of these sources. */
export function entryPoints(
  packageName: string,
  sources: readonly string[],
): { readonly in: string; readonly out: string }[] {
  const entries = new Map<string, string>();
  for (const source of sources) {
    const file = fileOf(packageName, source);
    entries.set(packedName(packageName, source), file === undefined ? source : `together:${file}`);
  }
  return [...entries].map(([name, entry]) => ({ in: entry, out: path.basename(name, '.js') }));
}

/** Gives each file of {@link TOGETHER} a module that exports the names of its entry points. */
export function filesTogether(folder: string, packageName: string): Plugin {
  return {
    name: 'together',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^together:/ }, ({ path: entry }) => ({
        path: entry.replace('together:', ''),
        namespace: 'together',
      }));
      onLoad({ filter: /.*/, namespace: 'together' }, ({ path: file }) => ({
        contents: (TOGETHER[packageName]?.[file] ?? [])
          .map((source) => `export * from './${source}';`)
          .join('\n'),
        resolveDir: folder,
      }));
    },
  };
}

/** The file of {@link TOGETHER} that a source belongs to. */
function fileOf(packageName: string, source: string): string | undefined {
  const files = Object.entries(TOGETHER[packageName] ?? {});
  return files.find(([, sources]) => sources.includes(path.posix.normalize(source)))?.[0];
}

/** The path of an entry's bundle in the package. All are in one folder, so that the URL of a file is the same in each. */
export function bundledName(entry: string): string {
  return `dist/${path.posix
    .normalize(entry)
    .replace(/^src\//, '')
    .replace(/\.ts$/, '')
    .replaceAll('/', '-')}.js`;
}
