import { definePlugin, PluginPriority } from '@aico/backend';
import { inboxConfig } from './config.ts';
import { InboxPlugin } from './inbox-plugin.ts';

export { InboxPlugin } from './inbox-plugin.ts';
export { messageImported } from './topics.ts';

export const plugin = definePlugin({
  name: 'inbox',
  dependencies: ['config', 'database', 'message_bus', 'gateway', 'logging', 'health'],
  priority: PluginPriority.BUSINESS,
  config: inboxConfig,
  create: (name, container) => new InboxPlugin(name, container),
});
