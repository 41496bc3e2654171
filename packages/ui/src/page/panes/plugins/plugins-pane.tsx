import { ask } from '@aico/client/page';
import { useLoading } from '../../backend/loading.ts';
import { Loaded } from '../../elements/loaded.tsx';
import { PluginItem } from './plugin-item.tsx';

const EVERY_MS = 5_000;

/** The plugins with their state. */
export function PluginsPane() {
  const plugins = useLoading((client) => ask(client, 'get', '/api/v1/plugins', {}), 'plugins', EVERY_MS);
  return (
    <Loaded of={plugins}>
      {({ plugins: all }) => (
        <ul class="items">
          {all.map((plugin) => (
            <PluginItem key={plugin.name} plugin={plugin} onChange={plugins.refresh} />
          ))}
        </ul>
      )}
    </Loaded>
  );
}
