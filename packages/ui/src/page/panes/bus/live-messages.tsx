import type { BusEvent } from '@aico/client/page';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useFollowing } from '../../backend/following.ts';
import { FailureBox } from '../../elements/failure-box.tsx';
import { linkTo } from '../../elements/route.ts';
import { Time } from '../../elements/time.tsx';
import { countText } from '../../elements/values.ts';

/** Messages that are kept. */
const KEPT = 100;
/** Characters of a message that are shown. */
const LONGEST = 500;
const RATE_MS = 1_000;

interface Topic {
  readonly count: number;
  /** Messages in the last second. */
  readonly rate: number;
}

/** Follows a pattern: the topics with their rates, and the latest messages. */
export function LiveMessages({ pattern }: { readonly pattern: string }) {
  const [typed, setTyped] = useState(pattern);
  const [messages, setMessages] = useState<readonly BusEvent[]>([]);
  const [topics, setTopics] = useState<ReadonlyMap<string, Topic>>(new Map());
  const [lost, setLost] = useState(0);
  const seen = useRef(new Map<string, number>());
  useEffect(() => {
    setTyped(pattern);
    setMessages([]);
    setTopics(new Map());
    setLost(0);
    seen.current = new Map();
    if (pattern === '') return;
    let before = new Map<string, number>();
    const timer = setInterval(() => {
      const now = new Map(seen.current);
      setTopics(
        new Map([...now].map(([topic, count]) => [topic, { count, rate: count - (before.get(topic) ?? 0) }])),
      );
      before = now;
    }, RATE_MS);
    return () => clearInterval(timer);
  }, [pattern]);
  const { isOpen, failure } = useFollowing(
    pattern === '' ? undefined : pattern,
    () => `/api/v1/events?topic=${encodeURIComponent(pattern)}`,
    {
      onEvents: (events) => {
        for (const { topic } of events) seen.current.set(topic, (seen.current.get(topic) ?? 0) + 1);
        setMessages((kept) => [...events.toReversed(), ...kept].slice(0, KEPT));
      },
      onGap: (count = 0) => setLost((sum) => sum + count),
    },
  );
  return (
    <section>
      <h2>Live messages</h2>
      <form
        class="bar"
        onSubmit={(event) => {
          event.preventDefault();
          location.hash = linkTo('bus', { topic: typed });
        }}
      >
        <label class="wide">
          <span>pattern</span>
          <input
            data-search
            value={typed}
            placeholder="inbox.> or *"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Follow</button>
        {pattern !== '' && <a href="#/bus">stop</a>}
        <span class="quiet" role="status">
          {pattern !== '' && (isOpen ? 'live' : 'connecting')}
          {lost > 0 && `, ${countText(lost)} lost: the page was too slow`}
        </span>
      </form>
      <FailureBox failure={failure} />
      {topics.size > 0 && (
        <table>
          <thead>
            <tr>
              <th>topic</th>
              <th class="number">messages/s</th>
              <th class="number">messages</th>
            </tr>
          </thead>
          <tbody>
            {[...topics].map(([topic, { count, rate }]) => (
              <tr key={topic}>
                <td>{topic}</td>
                <td class="number">{countText(rate)}</td>
                <td class="number">{countText(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <ul class="messages">
        {messages.map(({ id, topic, source, time, data }) => (
          <li key={id}>
            <Time at={time} /> <b>{topic}</b> <span class="quiet">{source}</span>{' '}
            <code>{shortText(data)}</code>
          </li>
        ))}
      </ul>
    </section>
  );
}

function shortText(data: unknown): string {
  if (data instanceof Uint8Array) return `${countText(data.byteLength)} bytes`;
  const text = JSON.stringify(data) ?? 'undefined';
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
