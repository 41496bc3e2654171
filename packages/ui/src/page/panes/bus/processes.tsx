import { ask } from '@aico/client/page';
import { useLoading } from '../../backend/loading.ts';
import { Loaded } from '../../elements/loaded.tsx';
import { Time } from '../../elements/time.tsx';
import { bytesText, countText } from '../../elements/values.ts';

const EVERY_MS = 5_000;

/** Other processes on the bus, with the messages that wait for each subscription and those that were dropped. */
export function Processes() {
  const clients = useLoading((client) => ask(client, 'get', '/api/v1/bus/clients', {}), 'clients', EVERY_MS);
  return (
    <section>
      <h2>Other processes</h2>
      <Loaded of={clients}>
        {({ clients: all }) =>
          all.length === 0 ? (
            <p class="quiet">No other process is connected.</p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>component</th>
                  <th>since</th>
                  <th class="number">published</th>
                  <th class="number">delivered</th>
                  <th class="number">refused</th>
                  <th class="number">queued</th>
                  <th>subscriptions</th>
                </tr>
              </thead>
              <tbody>
                {all.map(
                  ({
                    client,
                    component,
                    since,
                    published,
                    delivered,
                    refused,
                    queued_bytes,
                    subscriptions,
                  }) => (
                    <tr key={client}>
                      <td>{component}</td>
                      <td>
                        <Time at={since} />
                      </td>
                      <td class="number" data-label="published">
                        {countText(published)}
                      </td>
                      <td class="number" data-label="delivered">
                        {countText(delivered)}
                      </td>
                      <td class="number" data-label="refused">
                        {countText(refused)}
                      </td>
                      <td class="number" data-label="queued">
                        {bytesText(queued_bytes)}
                      </td>
                      <td class="long">
                        {subscriptions.map(({ pattern, queued, dropped }) => (
                          <div key={pattern}>
                            <code>{pattern}</code> {countText(queued)} queued, {countText(dropped)} dropped
                          </div>
                        ))}
                      </td>
                    </tr>
                  ),
                )}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </section>
  );
}
