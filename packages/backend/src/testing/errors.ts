import { defineError } from '@aico/protocol';

/** Something that a plugin opened is still open after its stop. */
export class PluginLeakError extends defineError({
  code: 'AICO_TEST_PLUGIN_LEAK',
  hint: 'Open it through `plugin`, which releases it, or release it in `plugin.onStop()`; work in the background ends at its signal.',
  make: (plugin: string, leaks: readonly string[]) => ({
    message: `after its stop, the plugin ${plugin} has left:\n${leaks.map((leak) => `- ${leak}`).join('\n')}`,
    plugin,
    leaks,
  }),
}) {}

/** A plugin uses a service or publishes a topic that its definition does not declare. */
export class PluginUndeclaredError extends defineError({
  code: 'AICO_TEST_PLUGIN_UNDECLARED',
  hint: 'Name services in `dependencies` and topics in `topics` of the definition.',
  make: (plugin: string, uses: readonly string[]) => ({
    message: `the plugin ${plugin} uses what it does not declare: ${uses.join('; ')}`,
    plugin,
    uses,
  }),
}) {}

/** Messages of a test backend are still being handled after 10 seconds. */
export class NotIdleError extends defineError({
  code: 'AICO_TEST_NOT_IDLE',
  hint: 'Look for a handler that never resolves, or for handlers that publish to each other endlessly.',
  make: (busy: readonly string[], waitedMs: number) => ({
    message: `after ${waitedMs} ms these still handle messages: ${busy.join('; ')}`,
    busy,
  }),
}) {}
