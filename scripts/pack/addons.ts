import type { Plugin } from 'esbuild';

/** The module of a package that finds its binary. */
interface Finder {
  readonly module: string;
  /** JavaScript that exports the binary in the variable `binary` as the module does. */
  readonly exports: string;
  /** The binary, from the folder of the package's main module. */
  readonly binary: string;
}

/**
 * Packages with a native addon whose JavaScript is bundled. The binary is loaded from the installed package, by its path: the
 * packages look for it with a dozen files and a report about the process, which takes longer than all the rest of them. Where
 * that path does not suit the platform, they look for it as always.
 */
const ADDONS: Readonly<Record<string, Finder>> = {
  'better-sqlite3-multiple-ciphers': {
    module: 'lib/binding.js',
    exports: 'exports.getBinding = () => binary;',
    binary: '../prebuilds/PLATFORM.node',
  },
  'sodium-native': {
    module: 'binding.js',
    exports: 'module.exports = binary;',
    binary: 'prebuilds/PLATFORM/sodium-native.node',
  },
};

/** Whether a package has to be installed although its JavaScript is bundled. */
export function hasAddon(name: string): boolean {
  return Object.hasOwn(ADDONS, name);
}

export function addons(): Plugin {
  return {
    name: 'addons',
    setup({ onLoad }) {
      for (const [name, { module, exports, binary }] of Object.entries(ADDONS)) {
        const file = `node_modules/${name}/${module}`;
        onLoad({ filter: new RegExp(`${file.replaceAll('.', '\\.').replaceAll('/', '[\\\\/]')}$`) }, () => ({
          contents: `
            const { dirname, join } = require('node:path');
            const folder = dirname(require.resolve(${JSON.stringify(name)}));
            const platform = process.platform + '-' + process.arch;
            let binary;
            try {
              binary = require(join(folder, ${JSON.stringify(binary)}.replace('PLATFORM', platform)));
            } catch {
              // Without a bundler in the way: the module of the package.
            }
            if (binary === undefined) module.exports = require(join(folder, ${JSON.stringify(module.replace(/^.*\//, ''))}));
            else ${exports}
          `,
          loader: 'js',
        }));
      }
    },
  };
}
