import type { Health, Overview, Service } from '../../backend/overview.ts';
import { Badge } from '../../elements/badge.tsx';
import { FailureBox } from '../../elements/failure-box.tsx';
import { Loaded } from '../../elements/loaded.tsx';
import { linkTo } from '../../elements/route.ts';
import { Time } from '../../elements/time.tsx';
import { durationText } from '../../elements/values.ts';
import { isRunning } from './layers.ts';
import { LoadCharts } from './load-charts.tsx';
import { ServiceGraph } from './service-graph.tsx';

/** Whether all is well, and if not, why: what needs attention comes first. */
export function NowPane({ overview }: { readonly overview: Overview }) {
  const { status, health, troubles, unreachable } = overview;
  return (
    <>
      {unreachable === undefined ? (
        <Attention services={status.value?.report.services ?? []} checks={health.value?.checks ?? {}} />
      ) : (
        <FailureBox failure={unreachable} onRetry={status.refresh} />
      )}
      {status.value !== undefined && (
        <dl class="facts row">
          <Fact term="state" value={status.value.state} />
          <Fact term="version" value={status.value.version} />
          <Fact term="up for" value={durationText(status.value.uptimeMs)} />
          <Fact term="environment" value={status.value.environment} />
          <Fact term="process" value={`${status.value.pid}, Node ${status.value.node}`} />
          <Fact term="started in" value={durationText(status.value.report.totalMs)} />
        </dl>
      )}
      {status.value !== undefined && <LoadCharts status={status.value} />}
      <section>
        <h2>Latest warnings and errors</h2>
        {troubles.length === 0 && <p class="quiet">The log has none.</p>}
        <ul class="troubles">
          {troubles.slice(0, 12).map(({ id, level, time, service, message }) => (
            <li key={id}>
              <Badge state={level} /> <Time at={time} /> <b>{service}</b>{' '}
              <a href={linkTo('logs', { id })}>{message === '' ? '(no message)' : message}</a>
            </li>
          ))}
        </ul>
      </section>
      {status.value !== undefined && (
        <section>
          <h2>Services</h2>
          <ServiceGraph services={status.value.report.services} />
        </section>
      )}
      <section>
        <h2>Checks</h2>
        <Loaded of={health}>{({ checks }) => <Checks checks={checks} />}</Loaded>
      </section>
    </>
  );
}

function Fact({ term, value }: { readonly term: string; readonly value: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{value}</dd>
    </div>
  );
}

interface AttentionProps {
  readonly services: readonly Service[];
  readonly checks: Health['checks'];
}

/** Services that do not run and checks that are not healthy. */
function Attention({ services, checks }: AttentionProps) {
  const broken = services.filter((service) => !isRunning(service));
  const failing = Object.entries(checks).filter(([, { status }]) => status !== 'healthy');
  if (broken.length === 0 && failing.length === 0) return null;
  return (
    <section class="attention" aria-label="Needs attention" aria-live="polite">
      <ul>
        {broken.map(({ name, state, error, heldBecause, waitingFor }) => (
          <li key={name}>
            <Badge state={state} /> <b>{name}</b>{' '}
            {error?.message ??
              heldBecause ??
              (waitingFor.length > 0 ? `waits for ${waitingFor.join(', ')}` : 'does not run')}
            {error?.hint !== undefined && <span class="quiet"> {error.hint}</span>}
          </li>
        ))}
        {failing.map(([name, { status, detail }]) => (
          <li key={`check ${name}`}>
            <Badge state={status} /> <b>{name}</b> {detail ?? 'its check gives no reason'}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Checks({ checks }: { readonly checks: Health['checks'] }) {
  return (
    <table>
      <thead>
        <tr>
          <th>check</th>
          <th>state</th>
          <th class="number">took</th>
          <th>detail</th>
        </tr>
      </thead>
      <tbody>
        {Object.entries(checks).map(([name, { status, durationMs, detail }]) => (
          <tr key={name}>
            <td>{name}</td>
            <td>
              <Badge state={status} />
            </td>
            <td class="number">{durationText(durationMs)}</td>
            <td>{detail ?? ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
