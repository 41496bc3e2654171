import { useEffect, useState } from 'preact/hooks';

/** A place of the page: its pane and the parameters of it, from the fragment of the address: `#/logs?level=warn`. */
export interface Route {
  readonly pane: string;
  readonly parameters: URLSearchParams;
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = (): void => setHash(location.hash);
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  const [, pane = 'now', query = ''] = /^#\/(\w+)(?:\?(.*))?$/.exec(hash) ?? [];
  return { pane, parameters: new URLSearchParams(query) };
}

/** @example linkTo('logs', { level: 'warn' }); // '#/logs?level=warn' */
export function linkTo(
  pane: string,
  parameters: Readonly<Record<string, string | number | undefined>> = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== '') query.set(name, String(value));
  return query.size === 0 ? `#/${pane}` : `#/${pane}?${query}`;
}
