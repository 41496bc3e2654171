import { ask, type ReplyOf } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useAction } from '../../backend/action.ts';
import { ConfirmButton } from '../../elements/confirm-button.tsx';
import { FailureBox } from '../../elements/failure-box.tsx';
import { Time } from '../../elements/time.tsx';
import { countText } from '../../elements/values.ts';

type DeadLetter = ReplyOf<'get', '/api/v1/streams/dead-letters'>['deadLetters'][number];

interface DeadLettersProps {
  readonly letters: readonly DeadLetter[];
  readonly onChange: () => void;
}

/** Messages whose every attempt failed, by consumer. They are replayed or dropped one by one, or all of a consumer. */
export function DeadLetters({ letters, onChange }: DeadLettersProps) {
  const [said, setSaid] = useState('');
  const done = (text: string): void => {
    setSaid(text);
    onChange();
  };
  const consumers = [...new Set(letters.map(({ consumer }) => consumer))];
  return (
    <>
      <p role="status" class="quiet">
        {said}
      </p>
      {letters.length === 0 && <p class="quiet">Every durable message was handled.</p>}
      {consumers.map((consumer) => (
        <ConsumerLetters
          key={consumer}
          consumer={consumer}
          letters={letters.filter((each) => each.consumer === consumer)}
          onDone={done}
        />
      ))}
    </>
  );
}

interface ConsumerLettersProps {
  readonly consumer: string;
  readonly letters: readonly DeadLetter[];
  readonly onDone: (said: string) => void;
}

function ConsumerLetters({ consumer, letters, onDone }: ConsumerLettersProps) {
  const replay = useAction(
    (client, number?: number) =>
      ask(client, 'post', '/api/v1/streams/dead-letters/replay', {
        body: { consumer, ...(number === undefined ? {} : { number }) },
      }),
    ({ replayed }) => onDone(`${countText(replayed)} given to ${consumer} again`),
  );
  const drop = useAction(
    (client) => ask(client, 'post', '/api/v1/streams/dead-letters/drop', { body: { consumer } }),
    ({ dropped }) => onDone(`${countText(dropped)} of ${consumer} dropped`),
  );
  return (
    <>
      <h3>
        {consumer}{' '}
        <button type="button" disabled={replay.isBusy} onClick={() => replay.run()}>
          Replay all
        </button>{' '}
        <ConfirmButton label="Drop all" question={`Drop every dead letter of ${consumer}?`} action={drop} />
      </h3>
      <FailureBox failure={replay.failure} />
      <table>
        <thead>
          <tr>
            <th class="number">number</th>
            <th>topic</th>
            <th>failed</th>
            <th class="number">attempts</th>
            <th>error</th>
            <th>
              <span class="unseen">actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {letters.map(({ number, topic, diedAt, attempts, error }) => (
            <tr key={number}>
              <td class="number" data-label="number">
                {number}
              </td>
              <td>{topic}</td>
              <td>
                <Time at={diedAt} />
              </td>
              <td class="number" data-label="attempts">
                {attempts}
              </td>
              <td class="long">{error ?? 'none was given'}</td>
              <td>
                <button
                  type="button"
                  disabled={replay.isBusy}
                  aria-label={`Replay ${number} of ${consumer}`}
                  onClick={() => replay.run(number)}
                >
                  Replay
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
