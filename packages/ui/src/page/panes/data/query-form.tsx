import { ask, type ReplyOf } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useAction } from '../../backend/action.ts';
import { FailureBox } from '../../elements/failure-box.tsx';
import { countText } from '../../elements/values.ts';

type Result = ReplyOf<'post', '/api/v1/database/query'>;
type Value = Result['rows'][number][number];

/** Rows that are shown. */
const LIMIT = 200;

/** Runs one read-only statement and shows its rows. */
export function QueryForm() {
  const [sql, setSql] = useState('SELECT name FROM sqlite_schema LIMIT 20');
  const [result, setResult] = useState<Result>();
  const query = useAction(
    (client) => ask(client, 'post', '/api/v1/database/query', { body: { sql, limit: LIMIT } }),
    setResult,
  );
  return (
    <section>
      <h2>Query</h2>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          setResult(undefined);
          query.run();
        }}
      >
        <label>
          <span>a statement that only reads</span>
          <textarea rows={3} data-search value={sql} onInput={(event) => setSql(event.currentTarget.value)} />
        </label>
        <p>
          <button type="submit" disabled={query.isBusy || sql.trim() === ''}>
            Run
          </button>{' '}
          <span role="status" class="quiet">
            {query.isBusy && 'running'}
            {result !== undefined &&
              `${countText(result.rows.length)} ${result.truncated ? 'of more ' : ''}${result.rows.length === 1 ? 'row' : 'rows'}`}
          </span>
        </p>
      </form>
      <FailureBox failure={query.failure} />
      {result !== undefined && result.rows.length > 0 && <Rows result={result} />}
    </section>
  );
}

function Rows({ result: { columns, rows } }: { readonly result: Result }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it may scroll, which needs the focus to be done by keyboard.
    <section class="wide-table" tabIndex={0} aria-label="Rows">
      <table class="raw">
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th key={`${index} ${column}`}>{column}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={String(index)}>
              {row.map((value, column) => (
                <td key={String(column)} class={typeof value === 'number' ? 'number' : ''}>
                  {valueText(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Values that JSON has no number for are objects with one field. */
function valueText(value: Value): string {
  if (value === null) return 'NULL';
  return typeof value === 'object' ? Object.values(value).join('') : String(value);
}
