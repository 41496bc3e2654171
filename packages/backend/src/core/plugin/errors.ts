import { defineError, reasonOf } from '@aico/protocol';
import { shownPlace, withoutGenerations } from '../failure-place.ts';
import { suggestion } from '../nearest.ts';

/** A resource of a plugin was not released in time. */
export class ReleaseTimeoutError extends defineError({
  code: 'AICO_PLUGIN_RELEASE_TIMEOUT',
  exit: 'plugin',
  hint: 'Background work and timers must end when their signal is aborted, and handlers must return.',
  make: (resource: string) => ({ message: `${resource} did not end in time`, resource }),
}) {}

/** A plugin tried to open a resource after it was stopped. */
export class PluginStoppedError extends defineError({
  code: 'AICO_PLUGIN_STOPPED',
  exit: 'plugin',
  hint: 'Check this.signal after each long await, and return when it is aborted.',
  make: (plugin: string, what: string) => ({
    message: `plugin "${plugin}" was stopped and cannot open ${what} any more`,
    plugin,
  }),
}) {}

/** The interval of a plugin's timer is not valid. */
export class IntervalInvalidError extends defineError({
  code: 'AICO_PLUGIN_INTERVAL',
  exit: 'plugin',
  hint: 'Give an interval from 1 to 2147483647 milliseconds.',
  make: (timer: string, intervalMs: number) => ({
    message: `timer "${timer}": ${intervalMs} is not a valid interval`,
  }),
}) {}

/** There is no plugin at the given place. */
export class PluginNotFoundError extends defineError({
  code: 'AICO_PLUGIN_NOT_FOUND',
  exit: 'plugin',
  hint: 'Give a folder or file (beginning with "./", "../" or "/") or the name of an installed package.',
  make: (specifier: string, lookedAt: string, cause?: unknown) => ({
    message: `no plugin at "${specifier}" (looked at ${lookedAt})`,
    cause,
    specifier,
  }),
}) {}

/** The reason why a plugin's package is incompatible. */
interface Incompatibility {
  readonly specifier: string;
  /** The folder of the plugin's package. */
  readonly folder: string;
  /** The software for which the package states a range. */
  readonly software: string;
  readonly range: string;
  /** The present version of that software. */
  readonly version: string;
}

/** A plugin's package requires another version of the backend or of Node.js. Its code was not run. */
export class PluginIncompatibleError extends defineError({
  code: 'AICO_PLUGIN_INCOMPATIBLE',
  exit: 'plugin',
  make: ({ specifier, folder, software, range, version }: Incompatibility) => ({
    message: `plugin "${specifier}" needs ${software} ${range}, and this is ${software} ${version} (${folder}/package.json)`,
    hint: `Install a version of the plugin that supports ${software} ${version}, or ${software} ${range}. If you maintain the plugin and it works with ${version}, widen the range in its package.json.`,
    specifier,
    software,
    range,
    version,
  }),
}) {}

/** A plugin's module failed while it was loaded. */
export class PluginImportError extends defineError({
  code: 'AICO_PLUGIN_IMPORT',
  exit: 'plugin',
  /** @param place file and line of a syntax error that does not contain them itself */
  make: (specifier: string, file: string, cause: unknown, place?: string) => {
    const shown = place === undefined ? shownPlace(cause) : ` (${place})`;
    return {
      message: `plugin "${specifier}" cannot be loaded: ${withoutGenerations(reasonOf(cause))}${shown}`,
      hint: importHint(specifier, file, cause),
      cause,
      specifier,
    };
  },
}) {}

/** A plugin's module did not finish running while it was loaded. */
export class PluginLoadTimeoutError extends defineError({
  code: 'AICO_PLUGIN_LOAD_TIMEOUT',
  exit: 'plugin',
  hint: 'A top-level "await" in this module, or in one that it imports, does not settle: wait in start() instead.',
  make: (specifier: string, file: string, timeoutMs: number) => ({
    message: `plugin "${specifier}" cannot be loaded: ${file} did not finish running within ${timeoutMs} ms`,
    specifier,
  }),
}) {}

/** The hint for a module that cannot be loaded. */
function importHint(specifier: string, file: string, cause: unknown): string {
  if (isUncompiled(cause))
    return `Node runs no TypeScript below node_modules: compile "${specifier}" to JavaScript before it is packed, and let "exports" in its package.json name the compiled files.`;
  if (isOtherFile(cause))
    return 'A plugin is a file of JavaScript or TypeScript (.js, .mjs, .ts, .mts), the folder of a package, or the name of an installed one.';
  if (isMissingPackage(cause))
    return `Packages are looked up in node_modules beside ${file} and above it: install there what the plugin imports.`;
  if (isMissingExtension(cause))
    return "Name the file of a relative import with its extension: import './store.ts'.";
  if (isReadAsCommonModule(cause))
    return `Node reads the file as a CommonJS module, since the nearest package.json says "type": "commonjs": write "type": "module" there (npm pkg set type=module), or end the name of the file in .mts or .mjs.`;
  if (cause instanceof SyntaxError)
    return 'Correct the syntax there. Node runs TypeScript whose types can be erased: no enum, no namespace, no parameter property.';
  return `The module ${file}, or one that it imports, is missing or failed while it was loaded.`;
}

/** Syntax of an ECMAScript module in a file that Node takes for a CommonJS module. */
function isReadAsCommonModule(cause: unknown): boolean {
  return (
    cause instanceof SyntaxError &&
    /^(?:Cannot use import statement outside a module|Unexpected token 'export')/.test(cause.message)
  );
}

/** A file that Node does not run, such as a document. */
function isOtherFile(cause: unknown): boolean {
  const codes: readonly unknown[] = ['ERR_UNKNOWN_FILE_EXTENSION', 'ERR_IMPORT_ATTRIBUTE_MISSING'];
  return cause instanceof Error && 'code' in cause && codes.includes(cause.code);
}

function isUncompiled(cause: unknown): boolean {
  return (
    cause instanceof Error && 'code' in cause && cause.code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING'
  );
}

/** A relative import without its extension, which Node requires. */
function isMissingExtension(cause: unknown): boolean {
  if (!(cause instanceof Error && 'code' in cause)) return false;
  if (cause.code === 'ERR_UNSUPPORTED_DIR_IMPORT') return true;
  return cause.code === 'ERR_MODULE_NOT_FOUND' && /Cannot find module '[^']*\/[^/.']+'/.test(cause.message);
}

function isMissingPackage(cause: unknown): boolean {
  return (
    cause instanceof Error &&
    'code' in cause &&
    cause.code === 'ERR_MODULE_NOT_FOUND' &&
    cause.message.startsWith('Cannot find package')
  );
}

/** A module was loaded, but exports no plugin. */
export class PluginExportError extends defineError({
  code: 'AICO_PLUGIN_NO_EXPORT',
  exit: 'plugin',
  hint: 'Write: export const plugin = definePlugin({ name, version, description, start(plugin) { … } });',
  make: (specifier: string, file: string, exported: readonly string[]) => {
    const has = exported.length === 0 ? 'nothing' : exported.join(', ');
    return { message: `${file} exports no "plugin" (it exports ${has})`, specifier };
  },
}) {}

/** The `plugin` that a module exports is not a plugin definition. */
export class PluginShapeError extends defineError({
  code: 'AICO_PLUGIN_SHAPE',
  exit: 'plugin',
  hint: 'Make it with definePlugin({ name, version, description, start(plugin) { … } }).',
  make: (file: string, problems: readonly string[]) => ({
    message: `the "plugin" of ${file} is no plugin definition: ${problems.join('; ')}`,
    file,
    problems,
  }),
}) {}

/** `create` of a plugin's definition returned a value that is not a plugin. */
export class PluginCreateError extends defineError({
  code: 'AICO_PLUGIN_CREATE',
  exit: 'plugin',
  hint: 'Return an object of a class that extends BasePlugin. An arrow function with braces needs `return`.',
  make: (plugin: string, returned: unknown) => {
    const what = returned === null ? 'null' : Array.isArray(returned) ? 'an array' : typeof returned;
    return { message: `create() of plugin "${plugin}" returned ${what}, not a plugin`, plugin };
  },
}) {}

/** A route requires a capability that no plugin declares. */
export class CapabilityUndeclaredError extends defineError({
  code: 'AICO_PLUGIN_CAPABILITY',
  exit: 'plugin',
  make: (plugin: string, route: string, capability: string, declared: readonly string[]) => ({
    message: `route ${route} of plugin "${plugin}" requires "${capability}", which no plugin declares`,
    hint: `${suggestion(capability, declared)}Declare it in the definition of "${plugin}": capabilities: { '${capability}': 'what it allows' }.`,
    plugin,
    capability,
  }),
}) {}

/** A route replies with server-sent events, and a stop would wait for their end. */
export class RouteEndlessError extends defineError({
  code: 'AICO_PLUGIN_ENDLESS',
  exit: 'plugin',
  hint: 'Give it { config: { endless: true } }: the reply of such a route ends only when its reader leaves, so a stop ends it instead of waiting.',
  make: (plugin: string, route: string) => ({
    message: `route ${route} of plugin "${plugin}" replies with server-sent events and is not marked as endless`,
    plugin,
  }),
}) {}

/** A plugin subscribes to a topic below the name of another plugin, which does not publish it. */
export class TopicUndeclaredError extends defineError({
  code: 'AICO_PLUGIN_TOPIC',
  exit: 'plugin',
  make: (plugin: string, topic: string, owner: string, declared: readonly string[]) => ({
    message: `plugin "${plugin}" subscribes to "${topic}", which plugin "${owner}" does not publish`,
    hint: `${suggestion(topic, declared)}"${owner}" declares ${declared.length === 0 ? 'no topics' : declared.join(', ')}. A topic of its own belongs in \`topics\` of its definition.`,
    plugin,
    topic,
  }),
}) {}

/** A plugin uses an extension point that its definition does not list. */
export class ExtensionUndeclaredError extends defineError({
  code: 'AICO_PLUGIN_EXTENSION',
  exit: 'plugin',
  make: (plugin: string, list: 'offers' | 'fills', point: string) => ({
    message: `plugin "${plugin}" ${list === 'fills' ? 'fills' : 'reads'} the extension point "${point}", which its definition does not list in \`${list}\``,
    hint: `Add the point to the definition of "${plugin}", so that the order of the start is known: ${list}: [point].`,
    plugin,
    point,
  }),
}) {}

/** An extension did not answer a call in time, and was left out. */
export class ExtensionTimeoutError extends defineError({
  code: 'AICO_PLUGIN_EXTENSION_TIMEOUT',
  hint: 'An extension must answer, or obey the signal that it is given.',
  make: (point: string, plugin: string, timeoutMs: number) => ({
    message: `the extension of ${point} by plugin "${plugin}" did not answer within ${timeoutMs} ms`,
    point,
    plugin,
  }),
}) {}
