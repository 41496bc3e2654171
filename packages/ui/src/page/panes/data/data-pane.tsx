import { ask, type ReplyOf } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useAction } from '../../backend/action.ts';
import { useLoading } from '../../backend/loading.ts';
import { Badge } from '../../elements/badge.tsx';
import { FailureBox } from '../../elements/failure-box.tsx';
import { Loaded } from '../../elements/loaded.tsx';
import { Time } from '../../elements/time.tsx';
import { bytesText, countText } from '../../elements/values.ts';
import { QueryForm } from './query-form.tsx';

type Stats = ReplyOf<'get', '/api/v1/database/stats'>;

const EVERY_MS = 5_000;

/** The database: its state and sizes, a check of every page, and read-only statements. */
export function DataPane() {
  const stats = useLoading((client) => ask(client, 'get', '/api/v1/database/stats', {}), 'stats', EVERY_MS);
  return (
    <>
      <Loaded of={stats}>{(value) => <Sizes stats={value} />}</Loaded>
      <Check />
      <QueryForm />
    </>
  );
}

function Sizes({ stats: { state, engine, bytes, details, tables, overdue } }: { readonly stats: Stats }) {
  return (
    <>
      <p>
        <Badge state={state} /> {engine}, {bytesText(bytes)}
      </p>
      <dl class="facts row">
        {Object.entries(details).map(([name, value]) => (
          <div key={name}>
            <dt>{name.replace(BYTES, '')}</dt>
            <dd>{detailText(name, value)}</dd>
          </div>
        ))}
      </dl>
      {overdue.map(({ owner, statement, since }) => (
        <div class="failure" key={`${owner} ${since} ${statement}`}>
          <p>
            A statement of {owner ?? 'the backend'} runs since <Time at={since} />:
          </p>
          <code>{statement}</code>
        </div>
      ))}
      <details>
        <summary>{countText(tables.length)} tables</summary>
        <table>
          <thead>
            <tr>
              <th>table</th>
              <th class="number">rows</th>
            </tr>
          </thead>
          <tbody>
            {tables
              .toSorted((a, b) => b.rows - a.rows)
              .map(({ name, rows }) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td class="number">{countText(rows)}</td>
                </tr>
              ))}
          </tbody>
        </table>
      </details>
    </>
  );
}

/** Details of an engine whose names end like this are sizes. */
const BYTES = / bytes$/;

function detailText(name: string, value: string | number): string {
  if (typeof value === 'string') return value;
  return BYTES.test(name) ? bytesText(value) : countText(value);
}

function Check() {
  const [found, setFound] = useState<ReplyOf<'post', '/api/v1/database/check'>>();
  const check = useAction((client) => ask(client, 'post', '/api/v1/database/check', {}), setFound);
  return (
    <section>
      <h2>Check</h2>
      <p>
        <button type="button" disabled={check.isBusy} onClick={() => check.run()}>
          Check every page
        </button>{' '}
        <span role="status" class="quiet">
          {check.isBusy ? 'checking' : found?.ok === true ? 'No damage was found.' : ''}
        </span>
      </p>
      <FailureBox failure={check.failure} />
      {found !== undefined && !found.ok && (
        <ul class="failure" role="alert">
          {found.problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
    </section>
  );
}
