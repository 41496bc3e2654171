import { ask } from '@aico/client/page';
import { parseJson } from '@aico/protocol';
import { useState } from 'preact/hooks';
import { type Action, useAction } from '../../backend/action.ts';
import { FailureBox } from '../../elements/failure-box.tsx';
import { JsonView } from '../../elements/json-view.tsx';

/** Publishes a message, or sends it as a request and shows the answer. */
export function PublishForm() {
  const [topic, setTopic] = useState('');
  const [text, setText] = useState('{}');
  const [answer, setAnswer] = useState<{ readonly value: unknown }>();
  const [said, setSaid] = useState('');
  const message = parsed(text);
  const publish = useAction(
    (client) => ask(client, 'post', '/api/v1/bus/messages', { body: { topic, message } }),
    ({ published }) => {
      setAnswer(undefined);
      setSaid(`published on ${published}`);
    },
  );
  const request = useAction(
    (client) => ask(client, 'post', '/api/v1/bus/requests', { body: { topic, message } }),
    ({ answer: value, answer_base64 }) => {
      setSaid('answered');
      setAnswer({ value: answer_base64 ?? value });
    },
  );
  const isReady = topic !== '' && !publish.isBusy && !request.isBusy;
  const begin = (action: Action<[]>): void => {
    setSaid('');
    setAnswer(undefined);
    action.run();
  };
  return (
    <section>
      <h2>Publish</h2>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady) begin(publish);
        }}
      >
        <label>
          <span>topic</span>
          <input value={topic} onInput={(event) => setTopic(event.currentTarget.value)} />
        </label>
        <label>
          <span>message, as JSON or text</span>
          <textarea rows={3} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <p>
          <button type="submit" disabled={!isReady}>
            Publish
          </button>{' '}
          <button type="button" disabled={!isReady} onClick={() => begin(request)}>
            Request
          </button>{' '}
          <span role="status" class="quiet">
            {said}
          </span>
        </p>
      </form>
      <FailureBox failure={publish.failure ?? request.failure} />
      {answer !== undefined && <JsonView value={answer.value} />}
    </section>
  );
}

/** As on the command line: JSON, or else text. */
function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}
