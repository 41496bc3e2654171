import { ask, type ReplyOf } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useAction } from '../../backend/action.ts';
import { Badge } from '../../elements/badge.tsx';
import { ConfirmButton } from '../../elements/confirm-button.tsx';
import { FailureBox } from '../../elements/failure-box.tsx';
import { linkTo } from '../../elements/route.ts';

type Plugin = ReplyOf<'get', '/api/v1/plugins'>['plugins'][number];

interface PluginItemProps {
  readonly plugin: Plugin;
  readonly onChange: () => void;
}

/** A plugin: its state, what it declares and has open, and how it is changed. */
export function PluginItem({ plugin, onChange }: PluginItemProps) {
  const { name, version, description, state, module, problem, dependents } = plugin;
  const [withDependents, setWithDependents] = useState(false);
  const path = { name };
  const enable = useAction(
    (client) => ask(client, 'post', '/api/v1/plugins/{name}/enable', { path }),
    onChange,
  );
  const reload = useAction(
    (client) => ask(client, 'post', '/api/v1/plugins/{name}/reload', { path }),
    onChange,
  );
  const disable = useAction(
    (client) =>
      ask(client, 'post', '/api/v1/plugins/{name}/disable', { path, query: { dependents: withDependents } }),
    onChange,
  );
  const isLoaded = module !== '';
  const isOff = state === 'disabled' || state === 'not loaded';
  return (
    <li>
      <div class="item-head">
        <b>{name}</b> <span class="quiet">{version}</span> <Badge state={state} />
        {isLoaded && (
          <span class="actions">
            {isOff ? (
              <button
                type="button"
                disabled={enable.isBusy}
                aria-label={`Enable ${name}`}
                onClick={() => enable.run()}
              >
                Enable
              </button>
            ) : (
              <>
                <button
                  type="button"
                  disabled={reload.isBusy}
                  aria-label={`Reload ${name}`}
                  onClick={() => reload.run()}
                >
                  Reload
                </button>
                <ConfirmButton label="Disable" question={`Disable ${name}?`} action={disable}>
                  <p>
                    It is stopped until it is enabled or the backend starts again. Its data stays. `aico
                    plugin disable` turns it off at every start.
                  </p>
                  {dependents.length > 0 && (
                    <label class="check">
                      <input
                        type="checkbox"
                        checked={withDependents}
                        onChange={(event) => setWithDependents(event.currentTarget.checked)}
                      />
                      <span>also {dependents.join(', ')}, which need it</span>
                    </label>
                  )}
                </ConfirmButton>
              </>
            )}
          </span>
        )}
      </div>
      <p class="quiet">{description}</p>
      {problem !== undefined && (
        <div class="failure">
          <p>{problem.message}</p>
          {problem.hint !== undefined && <p class="quiet">{problem.hint}</p>}
        </div>
      )}
      <FailureBox failure={enable.failure ?? reload.failure} />
      <details>
        <summary>details of {name}</summary>
        <Details plugin={plugin} />
      </details>
    </li>
  );
}

function Details({ plugin }: { readonly plugin: Plugin }) {
  const {
    name,
    module,
    dependencies,
    dependents,
    topics,
    capabilities,
    offers,
    fills,
    opens,
    loads,
    required,
  } = plugin;
  const facts: readonly (readonly [string, readonly string[]])[] = [
    ['module', module === '' ? [] : [module]],
    ['loaded', [`${loads} ${loads === 1 ? 'time' : 'times'}${required ? ', required' : ''}`]],
    ['depends on', dependencies],
    ['needed by', dependents],
    ['topics', topics],
    ['capabilities', Object.entries(capabilities).map(([capability, allows]) => `${capability}: ${allows}`)],
    ['offers', offers],
    ['fills', fills],
    ['open', opens],
  ];
  return (
    <dl class="facts">
      {facts
        .filter(([, values]) => values.length > 0)
        .map(([term, values]) => (
          <div key={term}>
            <dt>{term}</dt>
            <dd>
              {values.map((value) => (
                <div key={value}>{value}</div>
              ))}
            </dd>
          </div>
        ))}
      <div>
        <dt>log</dt>
        <dd>
          <a href={linkTo('logs', { plugin: name })}>its lines</a>
        </dd>
      </div>
    </dl>
  );
}
