import { useState } from 'preact/hooks';
import type { Service } from '../../backend/overview.ts';
import { Badge, severityOf } from '../../elements/badge.tsx';
import { Dialog } from '../../elements/dialog.tsx';
import { linkTo } from '../../elements/route.ts';
import { durationText } from '../../elements/values.ts';
import { layersOf } from './layers.ts';

/** The services in the layers in which they start, with the milliseconds that each took. */
export function ServiceGraph({ services }: { readonly services: readonly Service[] }) {
  const [shown, setShown] = useState<string>();
  const service = services.find(({ name }) => name === shown);
  return (
    <>
      <ol class="layers">
        {layersOf(services).map((layer, index) => (
          // A layer is its index.
          <li key={index}>
            {layer.map(({ name, state, ms }) => (
              <button
                key={name}
                type="button"
                class={`service ${severityOf(state)}`}
                onClick={() => setShown(name)}
              >
                <span>{name}</span>{' '}
                <span class="quiet">{state === 'running' ? durationText(ms) : state}</span>
              </button>
            ))}
          </li>
        ))}
      </ol>
      {service !== undefined && <ServiceDialog service={service} onClose={() => setShown(undefined)} />}
    </>
  );
}

interface ServiceDialogProps {
  readonly service: Service;
  readonly onClose: () => void;
}

function ServiceDialog({ service, onClose }: ServiceDialogProps) {
  const { name, state, ms, phases, waitedMs, waitedOn, waitingFor, dependencies, attempts, error, required } =
    service;
  const facts: readonly (readonly [string, string])[] = [
    ['required', required ? 'yes' : 'no'],
    ['start', `${durationText(ms)}, attempt ${attempts}`],
    [
      'phases',
      Object.entries(phases)
        .map(([phase, each]) => `${phase} ${durationText(each)}`)
        .join(', ') || 'none',
    ],
    [
      'waited',
      waitedOn === undefined ? durationText(waitedMs) : `${durationText(waitedMs)}, last for ${waitedOn}`,
    ],
    ['waits for', waitingFor.join(', ') || 'nothing'],
    ['depends on', dependencies.join(', ') || 'nothing'],
  ];
  return (
    <Dialog title={name} onClose={onClose}>
      <p>
        <Badge state={state} />
      </p>
      {error !== undefined && (
        <div class="failure">
          <p>{error.message}</p>
          {error.hint !== undefined && <p class="quiet">{error.hint}</p>}
          <p class="small quiet">
            <code>{error.code}</code>
          </p>
        </div>
      )}
      <dl class="facts">
        {facts.map(([term, value]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <p>
        <a href={linkTo('logs', { text: name, level: 'debug' })}>log lines with its name</a>
      </p>
    </Dialog>
  );
}
