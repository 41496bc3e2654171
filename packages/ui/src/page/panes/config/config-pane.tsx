import { ask, type ReplyOf } from '@aico/client/page';
import { useLoading } from '../../backend/loading.ts';
import { Loaded } from '../../elements/loaded.tsx';
import { linkTo } from '../../elements/route.ts';

type Entry = ReplyOf<'get', '/api/v1/system/config'>['entries'][number];

/** The configuration in force: each value with the layer that it comes from. */
export function ConfigPane({ parameters }: { readonly parameters: URLSearchParams }) {
  const config = useLoading((client) => ask(client, 'get', '/api/v1/system/config', {}), 'config');
  const wanted = parameters.get('key') ?? '';
  const isChanged = parameters.get('changed') === '1';
  const show = (key: string, changed: boolean): void => {
    history.replaceState(null, '', linkTo('config', { key, changed: changed ? 1 : undefined }));
    dispatchEvent(new HashChangeEvent('hashchange'));
  };
  return (
    <>
      <form class="bar" onSubmit={(event) => event.preventDefault()}>
        <label class="wide">
          <span>key</span>
          <input
            type="search"
            data-search
            placeholder="/"
            value={wanted}
            onInput={(event) => show(event.currentTarget.value, isChanged)}
          />
        </label>
        <label>
          <input
            type="checkbox"
            checked={isChanged}
            onChange={(event) => show(wanted, event.currentTarget.checked)}
          />
          <span>without defaults</span>
        </label>
        <button type="button" onClick={config.refresh}>
          Refresh
        </button>
      </form>
      <Loaded of={config}>
        {({ entries }) => (
          <Entries
            entries={entries.filter(
              ({ key, origin }) => key.includes(wanted) && !(isChanged && origin.layer === 'default'),
            )}
          />
        )}
      </Loaded>
    </>
  );
}

function Entries({ entries }: { readonly entries: readonly Entry[] }) {
  if (entries.length === 0) return <p class="quiet">No value matches.</p>;
  return (
    <table>
      <thead>
        <tr>
          <th>key</th>
          <th>value</th>
          <th>from</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry) => (
          <tr key={entry.key}>
            <td>
              <code>{entry.key}</code>
            </td>
            <td class="long">
              <code>{JSON.stringify(entry.value) ?? 'none'}</code>
            </td>
            <td class="quiet">{placeOf(entry)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function placeOf({ origin }: Entry): string {
  switch (origin.layer) {
    case 'environment file':
    case 'user file':
      return `${origin.file}${origin.line === undefined ? '' : `:${origin.line}`}`;
    case 'environment variable':
      return origin.variable;
    default:
      return origin.layer;
  }
}
