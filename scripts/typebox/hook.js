// Has a process load the bundle of TypeBox that bundle.ts makes.
import module from 'node:module';

const OUTPUT = new URL('../../node_modules/.cache/typebox/', import.meta.url);
const FILES = new Map([
  ['typebox', 'index.mjs'],
  ['typebox/compile', 'compile.mjs'],
  ['typebox/value', 'value.mjs'],
]);

// An older Node.js, which some tests start, has no such hooks and loads nothing of the project.
module.registerHooks?.({
  resolve(specifier, context, nextResolve) {
    const file = FILES.get(specifier);
    if (file === undefined) return nextResolve(specifier, context);
    return { url: new URL(file, OUTPUT).href, format: 'module', shortCircuit: true };
  },
});
