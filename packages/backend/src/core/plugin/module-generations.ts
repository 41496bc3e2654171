import { randomBytes } from 'node:crypto';
import { readFileSync, realpathSync } from 'node:fs';
import { createRequire, findPackageJSON, registerHooks } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseJson } from '@aico/protocol';
import { GENERATION_QUERY } from '../failure-place.ts';
import type { PluginModule } from './plugin-module.ts';

/** A module that is being loaded, and what makes its generation the present one. */
interface LoadingModule {
  readonly module: Promise<object>;
  readonly adopt: () => void;
}

/** The folder that a plugin's own modules lie below, as a URL with a slash at the end, and its present generation. */
interface Root {
  readonly href: string;
  current: string | undefined;
}

/**
 * Reloads the code of a plugin. Node keeps every ECMAScript module while the process runs, by its
 * URL. So each load of a plugin is a generation, whose name a resolve hook adds to the URLs of the plugin's own modules:
 * those below its folder, without `node_modules` and without other packages. All other modules are shared.
 *
 * The modules of earlier generations stay in memory, since Node has no way to unload them.
 */
export class ModuleGenerations implements Disposable {
  readonly #roots: Root[] = [];
  readonly #isOwn = new Map<string, boolean>();
  readonly #hooks = registerHooks({
    resolve: (specifier, context, nextResolve) => {
      const resolved = nextResolve(specifier, context);
      const generation = this.#generationOf(resolved.url, context.parentURL);
      return generation === undefined
        ? resolved
        : { ...resolved, url: resolved.url + GENERATION_QUERY + generation };
    },
  });

  /**
   * Begins to load `file` and the plugin's own modules that it imports as a new generation. Until `adopt()` is called, the
   * generation before stays the present one.
   */
  begin({ path: place, isFolder }: PluginModule, file: string): LoadingModule {
    const folder = realpathSync(isFolder ? place : path.dirname(file));
    const { href } = pathToFileURL(`${folder}/`);
    let root = this.#roots.find((each) => each.href === href);
    if (root === undefined) {
      root = { href, current: undefined };
      this.#roots.push(root);
      // The innermost folder is found first.
      this.#roots.sort((a, b) => b.href.length - a.href.length);
    }
    forgetCommonModules(folder);
    const generation = randomBytes(6).toString('hex');
    const ownRoot = root;
    return {
      module: import(pathToFileURL(realpathSync(file)).href + GENERATION_QUERY + generation),
      adopt: () => {
        ownRoot.current = generation;
      },
    };
  }

  [Symbol.dispose](): void {
    this.#hooks.deregister();
  }

  #generationOf(url: string, parentUrl = ''): string | undefined {
    if (!url.startsWith('file:') || url.includes('?')) return undefined;
    const parent = parentUrl.split(GENERATION_QUERY, 2)[1];
    if (parent === undefined) return undefined;
    const root = this.#roots.find(({ href }) => url.startsWith(href));
    if (root === undefined || !this.#isOwnModule(root, url)) return undefined;
    // Within a plugin a module imports those of its own generation, also when it does so later.
    return parentUrl.startsWith(root.href) ? parent : root.current;
  }

  /** Whether a file below a plugin's folder belongs to the plugin, and to no package within it. */
  #isOwnModule({ href }: Root, url: string): boolean {
    if (url.slice(href.length - 1).includes('/node_modules/')) return false;
    const folder = url.slice(0, url.lastIndexOf('/') + 1);
    let isOwn = this.#isOwn.get(folder);
    if (isOwn === undefined) {
      const found = findPackageJSON(url);
      // Node returns the file itself where there is no package.json above it.
      const manifest = found?.endsWith(`${path.sep}package.json`) === true ? found : undefined;
      const isWithin = manifest !== undefined && pathToFileURL(manifest).href.startsWith(href);
      isOwn = !isWithin || pathToFileURL(manifest).href === `${href}package.json` || !hasName(manifest);
      this.#isOwn.set(folder, isOwn);
    }
    return isOwn;
  }
}

/** A package.json without a name only sets the module format of the files beside it. */
function hasName(manifest: string): boolean {
  return 'name' in Object(parseJson(readFileSync(manifest, 'utf8')));
}

/** CommonJS modules are kept by their path, so that no URL makes another of them. */
function forgetCommonModules(folder: string): void {
  const { cache } = createRequire(import.meta.url);
  const modules = `node_modules${path.sep}`;
  for (const file of Object.keys(cache))
    if (file.startsWith(folder + path.sep) && !file.slice(folder.length).includes(modules))
      delete cache[file];
}
