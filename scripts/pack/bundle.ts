import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { addons } from './addons.ts';
import { bundledName, entryPoints, filesTogether, importsOfBase } from './together.ts';
import { filesOf, type WorkspacePackage } from './workspace.ts';

/** The JavaScript of a package. */
interface Bundle {
  /** Files and their source maps, by their path in the package: `dist/data-index.js`. */
  readonly files: ReadonlyMap<string, string>;
  /** Folders of the installed libraries whose code the files contain. */
  readonly libraries: readonly string[];
}

/**
 * Libraries whose code is packed with the package's own. Node takes about 0.3 ms to load a file, and these have more than a
 * thousand. Libraries that few commands use stay dependencies, as does everything of the packages that an author's bundler takes
 * into a web page. The binaries of native addons are not packed either: see addons.ts.
 */
const BUNDLED: Readonly<Record<string, readonly string[]>> = {
  '@aico/backend': [
    '@fastify/type-provider-typebox',
    'denque',
    'fastest-levenshtein',
    'fastify',
    'resolve.exports',
    'semver',
    'ws',
  ],
  '@aico/cli': ['commander'],
  '@aico/shared': [
    '@msgpack/msgpack',
    'better-sqlite3-multiple-ciphers',
    'denque',
    'fastest-levenshtein',
    'p-limit',
    'p-map',
    'pino',
    'sodium-native',
    'typebox',
    'yaml',
  ],
};

/** Libraries with a file of their own: a page loads the other files of the package, and they share code among them. */
const APART: Readonly<Record<string, readonly string[]>> = { '@aico/protocol': ['sodium-native'] };

/** The URL of a file beside the one that names it. */
const FILE_URL = /\bnew URL\(\s*(['"])(\.{1,2}\/[^'"\n]+\.(?:ts|js|json))\1,\s*import\.meta\.url/g;

/** A file that runs as a thread or a process of its own. */
const ENTRY_OF_ITS_OWN = /(?:^|[/-])(?:worker|child)\.ts$/;

/**
 * Bundles the modules that the exports and the command of a package import. Common code is in files that they share, so
 * that each class exists once in a process. A file that runs as a thread or a process of its own becomes a bundle with all
 * that it needs.
 */
export async function bundle({ folder, manifest }: WorkspacePackage): Promise<Bundle> {
  const bundled = BUNDLED[manifest.name] ?? [];
  const apart = APART[manifest.name] ?? [];
  const dependencies = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
  const external = dependencies.filter((name) => !bundled.includes(name));
  const files = new Map<string, string>();
  const libraries = new Set<string>();
  const separate = new Set<string>();
  const add = async (sources: readonly string[], options: BuildOptions): Promise<void> => {
    const { outputFiles = [], metafile } = await build({
      absWorkingDir: folder,
      entryPoints: entryPoints(manifest.name, sources),
      outdir: 'dist',
      chunkNames: 'shared-[hash]',
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node24',
      legalComments: 'none',
      sourcemap: 'linked',
      metafile: true,
      write: false,
      logLevel: 'silent',
      // A name that two entry points of one file give to different things.
      logOverride: { 'ambiguous-reexport': 'error' },
      plugins: [
        addons(),
        typeBoxOfShared(manifest.name),
        librariesApart(apart),
        fileUrls(folder, separate, importsOfBase(folder, manifest.name, sources)),
        filesTogether(folder, manifest.name),
      ],
      ...options,
    });
    for (const { path: file, text } of outputFiles) {
      const name = path.relative(folder, file).replaceAll(path.sep, '/');
      files.set(name, name.endsWith('.js') ? withoutFacades(text) : text);
    }
    for (const input of Object.keys(metafile?.inputs ?? {})) {
      const [library] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? [];
      if (library !== undefined) libraries.add(path.resolve(folder, library));
    }
  };
  await add(entriesOf(manifest), { splitting: true, external });
  await Promise.all(apart.map((library) => add([library], {})));
  for (const entry of separate)
    await add([entry], { external: external.filter((name) => !name.startsWith('@aico/')) });
  for (const [name, text] of files) refuseRenamedClasses(name, text);
  return { files, libraries: [...libraries] };
}

/** The sources that the exports name, and the command line behind a command. */
function entriesOf({ exports, bin }: WorkspacePackage['manifest']): readonly string[] {
  return [...new Set([...filesOf(exports), ...(bin === undefined ? [] : ['src/main.ts'])])];
}

/** Lets a package load TypeBox from @aico/shared, so that a process has it once. */
function typeBoxOfShared(packageName: string): Plugin {
  return {
    name: 'typebox',
    setup({ onResolve }) {
      if (packageName === '@aico/shared') return;
      onResolve({ filter: /^typebox(?:\/|$)/ }, () => ({ path: '@aico/shared/typebox', external: true }));
    },
  };
}

/** Imports libraries from their own files. */
function librariesApart(libraries: readonly string[]): Plugin {
  return {
    name: 'libraries-apart',
    setup({ onResolve }) {
      onResolve({ filter: /^[^.]/ }, ({ path: library, kind }) =>
        kind !== 'entry-point' && libraries.includes(library)
          ? { path: `./${path.basename(bundledName(library))}`, external: true }
          : undefined,
      );
    },
  };
}

/**
 * Rewrites the URLs of files to their paths in the package, and collects those that need a separate bundle. Adds the imports of
 * the base.
 */
function fileUrls(folder: string, separate: Set<string>, base: ReturnType<typeof importsOfBase>): Plugin {
  return {
    name: 'file-urls',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]packages[\\/][^\\/]+[\\/]src[\\/].*\.ts$/ }, ({ path: file }) => {
        const source = readFileSync(file, 'utf8');
        const contents = source.replaceAll(FILE_URL, (reference, _quote, target: string) => {
          const place = path
            .relative(folder, path.resolve(path.dirname(file), target))
            .replaceAll(path.sep, '/');
          if (ENTRY_OF_ITS_OWN.test(place)) separate.add(place);
          const packed = place.startsWith('src/') ? bundledName(place) : place;
          return reference.replace(target, `../${packed}`);
        });
        return { contents: base.modules.has(file) ? contents + base.statement : contents, loader: 'ts' };
      });
    },
  };
}

/** An import of a built-in module, as esbuild writes it. */
const BUILT_IN_IMPORT =
  /^import (?:([\w$]+)(?:, )?)?(?:\{([^}]*)\}|\* as ([\w$]+))? ?from "(node:[\w/]+)";$/gm;

/**
 * Takes built-in modules from the process instead of importing them: for an import Node reads every property of the module,
 * and with that loads WebSocket and fetch for node:http and WebCrypto for node:crypto, which takes 50 ms. What most commands
 * import and never use is loaded by its first use: the functions of node:crypto, and node:child_process for commander.
 */
function withoutFacades(text: string): string {
  const direct = text.replaceAll(
    BUILT_IN_IMPORT,
    (_import, whole?: string, named?: string, space?: string, name?: string) => {
      const module = `globalThis.process.getBuiltinModule("${name}")`;
      if (name === 'node:crypto' && whole === undefined && named !== undefined)
        return named
          .trim()
          .split(/\s*,\s*/)
          .map((each) => each.split(' as '))
          .map(([origin, local]) => [local ?? origin, `${module}.${origin}`])
          .map(([local, origin]) => `let ${local} = (...given) => (${local} = ${origin})(...given);`)
          .join(' ');
      if (name === 'node:child_process' && whole !== undefined && named === undefined)
        return `const ${whole} = new Proxy({}, { get: (_, name) => ${module}[name] });`;
      return [whole, space, named === undefined ? undefined : `{${named.replaceAll(' as ', ': ')}}`]
        .filter((binding) => binding !== undefined)
        .map((binding) => `const ${binding} = ${module};`)
        .join(' ');
    },
  );
  // esbuild asks for a `require` where a bundled CommonJS library requires a built-in module. No line is added, for the source map.
  if (!direct.includes('Dynamic require of')) return direct;
  return `const require = globalThis.process.getBuiltinModule("node:module").createRequire(import.meta.url); ${direct}`;
}

/** The name of an error is that of its class, which a bundler changes where two files use the same name. */
function refuseRenamedClasses(file: string, text: string): void {
  const [renamed] = /\bclass \w*[A-Za-z_]\d+ extends \w*(?:defineError|Error)\b/.exec(text) ?? [];
  if (renamed !== undefined)
    throw new Error(`${file}: "${renamed}" has the name of another class; rename one`);
}
