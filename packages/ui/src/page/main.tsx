import type { Client } from '@aico/client/page';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { ClientContext } from './backend/client-context.ts';
import { type Overview, useOverview } from './backend/overview.ts';
import { openSession } from './backend/session.ts';
import { Badge } from './elements/badge.tsx';
import { escapeAllText } from './elements/foreign-text.ts';
import { type Route, useRoute } from './elements/route.ts';
import { BusPane } from './panes/bus/bus-pane.tsx';
import { ConfigPane } from './panes/config/config-pane.tsx';
import { DataPane } from './panes/data/data-pane.tsx';
import { DevicesPane } from './panes/devices/devices-pane.tsx';
import { LogsPane } from './panes/logs/logs-pane.tsx';
import { NowPane } from './panes/now/now-pane.tsx';
import { PluginsPane } from './panes/plugins/plugins-pane.tsx';
import './page.css';

/** The panes in the order of the navigation. The key of a pane is its number. */
const PANES = ['now', 'logs', 'bus', 'plugins', 'devices', 'config', 'data'] as const;

function Page() {
  const route = useRoute();
  const overview = useOverview();
  useEffect(() => {
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  useEffect(() => {
    document.title = `${route.pane} · AICO`;
  }, [route.pane]);
  return (
    <>
      <header class="top">
        <h1>AICO</h1>
        <span role="status">
          <Badge state={stateOf(overview)} />
        </span>
        <nav aria-label="Panes">
          {PANES.map((pane, index) => (
            <a
              key={pane}
              href={`#/${pane}`}
              aria-current={pane === route.pane ? 'page' : undefined}
              title={`key ${index + 1}`}
            >
              {pane}
            </a>
          ))}
        </nav>
      </header>
      <main key={route.pane} aria-label={route.pane}>
        <Pane route={route} overview={overview} />
      </main>
    </>
  );
}

function Pane({
  route: { pane, parameters },
  overview,
}: {
  readonly route: Route;
  readonly overview: Overview;
}) {
  switch (pane) {
    case 'logs':
      return <LogsPane parameters={parameters} />;
    case 'bus':
      return <BusPane parameters={parameters} />;
    case 'plugins':
      return <PluginsPane />;
    case 'devices':
      return <DevicesPane />;
    case 'config':
      return <ConfigPane parameters={parameters} />;
    case 'data':
      return <DataPane />;
    default:
      return <NowPane overview={overview} />;
  }
}

function stateOf({ unreachable, status, health }: Overview): string {
  if (unreachable !== undefined) return 'unreachable';
  if (status.value === undefined) return 'loading';
  const { state, report } = status.value;
  if (state !== 'ready') return state;
  const broken = report.services.filter(({ state: each }) => each !== 'running');
  if (broken.some(({ required }) => required)) return 'unhealthy';
  const known = health.value?.status ?? 'healthy';
  return known === 'healthy' && broken.length > 0 ? 'degraded' : known;
}

/** Digits choose a pane, and `/` puts the focus into the search field. */
function onKey(event: KeyboardEvent): void {
  const isField =
    event.target instanceof HTMLElement && /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (isField || event.ctrlKey || event.metaKey || event.altKey) return;
  const pane = PANES[Number(event.key) - 1];
  if (pane !== undefined) location.hash = `#/${pane}`;
  else if (event.key === '/') {
    const search = document.querySelector('[data-search]');
    if (!(search instanceof HTMLElement)) return;
    event.preventDefault();
    search.focus();
  }
}

function Refused({ reason, hint }: { readonly reason: string; readonly hint: string }) {
  return (
    <main>
      <h1>AICO</h1>
      <div class="failure" role="alert">
        <p>{reason}</p>
        <p class="quiet">{hint}</p>
      </div>
    </main>
  );
}

function show(root: HTMLElement, client: Client): void {
  render(
    <ClientContext.Provider value={client}>
      <Page />
    </ClientContext.Provider>,
    root,
  );
}

escapeAllText();
const root = document.getElementById('page');
if (root !== null)
  openSession().then(
    (session) => {
      if (session.state === 'open') show(root, session.client);
      else render(<Refused {...session} />, root);
    },
    (error: unknown) => render(<Refused reason={String(error)} hint="Run `aico ui` again." />, root),
  );
