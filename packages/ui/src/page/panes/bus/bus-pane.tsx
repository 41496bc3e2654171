import { ask } from '@aico/client/page';
import { useLoading } from '../../backend/loading.ts';
import { Loaded } from '../../elements/loaded.tsx';
import { Consumers } from './consumers.tsx';
import { DeadLetters } from './dead-letters.tsx';
import { LiveMessages } from './live-messages.tsx';
import { Processes } from './processes.tsx';
import { PublishForm } from './publish-form.tsx';

const EVERY_MS = 3_000;

/** The message bus: dead letters first, then durable topics, live messages and connected processes. */
export function BusPane({ parameters }: { readonly parameters: URLSearchParams }) {
  const streams = useLoading((client) => ask(client, 'get', '/api/v1/streams', {}), 'streams', EVERY_MS);
  const dead = useLoading(
    (client) => ask(client, 'get', '/api/v1/streams/dead-letters', { query: { limit: 200 } }),
    'dead',
    EVERY_MS,
  );
  const refresh = (): void => {
    streams.refresh();
    dead.refresh();
  };
  return (
    <>
      <section>
        <h2>Dead letters</h2>
        <Loaded of={dead}>
          {({ deadLetters }) => <DeadLetters letters={deadLetters} onChange={refresh} />}
        </Loaded>
      </section>
      <section>
        <h2>Durable topics</h2>
        <Loaded of={streams}>{(value) => <Consumers streams={value} onChange={refresh} />}</Loaded>
      </section>
      <LiveMessages pattern={parameters.get('topic') ?? ''} />
      <PublishForm />
      <Processes />
    </>
  );
}
