import { ask, type ReplyOf } from '@aico/client/page';
import { useAction } from '../../backend/action.ts';
import { Badge } from '../../elements/badge.tsx';
import { ConfirmButton } from '../../elements/confirm-button.tsx';
import { Time } from '../../elements/time.tsx';
import { bytesText, countText } from '../../elements/values.ts';

type Streams = ReplyOf<'get', '/api/v1/streams'>;
type Consumer = Streams['consumers'][number];

interface ConsumersProps {
  readonly streams: Streams;
  readonly onChange: () => void;
}

/** The stored durable messages by topic, and the progress of each consumer. */
export function Consumers({ streams, onChange }: ConsumersProps) {
  const { messages, bytes, topics, consumers } = streams;
  return (
    <>
      <p class="quiet">
        {countText(messages)} messages, {bytesText(bytes)}
      </p>
      {topics.length > 0 && (
        <table>
          <thead>
            <tr>
              <th>topic</th>
              <th class="number">messages</th>
            </tr>
          </thead>
          <tbody>
            {topics.map(({ topic, messages: count }) => (
              <tr key={topic}>
                <td>{topic}</td>
                <td class="number">{countText(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {consumers.length === 0 ? (
        <p class="quiet">No plugin consumes durable messages.</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th>consumer</th>
              <th>state</th>
              <th>pattern</th>
              <th class="number">behind</th>
              <th class="number">retrying</th>
              <th class="number">dead</th>
              <th>seen</th>
              <th>
                <span class="unseen">actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {consumers.map((each) => (
              <ConsumerRow key={each.consumer} consumer={each} onChange={onChange} />
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

interface ConsumerRowProps {
  readonly consumer: Consumer;
  readonly onChange: () => void;
}

function ConsumerRow({
  consumer: { consumer, running, pattern, lag, retrying, dead, seenAt },
  onChange,
}: ConsumerRowProps) {
  const forget = useAction(
    (client) => ask(client, 'post', '/api/v1/streams/consumers/forget', { body: { consumer } }),
    onChange,
  );
  return (
    <tr>
      <td>{consumer}</td>
      <td>
        <Badge state={running ? 'running' : 'away'} />
      </td>
      <td>{pattern}</td>
      <td class="number" data-label="behind">
        {countText(lag)}
      </td>
      <td class="number" data-label="retrying">
        {countText(retrying)}
      </td>
      <td class="number" data-label="dead">
        {countText(dead)}
      </td>
      <td>
        <Time at={seenAt} />
      </td>
      <td>
        <ConfirmButton
          label="Forget"
          question={`Forget ${consumer}?`}
          action={{ ...forget, run: () => forget.run() }}
          isDisabled={running}
        >
          <p>Messages that it has not settled, and its dead letters, are deleted.</p>
        </ConfirmButton>
      </td>
    </tr>
  );
}
