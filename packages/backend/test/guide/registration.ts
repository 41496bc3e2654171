import type { ServiceContainer } from '@aico/backend/plugin';
import { MyPlugin } from './my-plugin.ts';

declare module '@aico/backend/plugin' {
  interface Services {
    my_plugin: MyPlugin;
  }
}

export function registerMyPlugin(container: ServiceContainer): void {
  container.registerService('my_plugin', () => new MyPlugin('my_plugin', container), {
    dependencies: ['config', 'database'],
    priority: 100,
  });
}
