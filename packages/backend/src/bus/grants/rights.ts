import { parsePattern, parseTopic, TopicTrie } from '@aico/protocol';
import { CANCEL_PREFIX, whyNotPublish, whyNotSubscribe } from '@aico/shared/core/bus';
import { DURABLE_TOPICS } from '@aico/shared/core/bus/remote';

/** Every component may send requests to the store of durable messages, which checks the rights to the topic in the request. */
const DURABLE: ReadonlySet<string> = new Set(Object.values(DURABLE_TOPICS));

/**
 * Whether `granted` matches every topic that `pattern` matches.
 *
 * @example covers('logs.>', 'logs.gateway'); // true
 */
export function covers(granted: string, pattern: string): boolean {
  const wide = parsePattern(granted);
  const narrow = parsePattern(pattern);
  for (const [index, segment] of wide.entries()) {
    const other = narrow[index];
    if (other === undefined) return false;
    if (segment === '>') return true;
    if (other === '>' || (segment !== '*' && segment !== other)) return false;
  }
  return wide.length === narrow.length;
}

/** The rights of one component. */
export class Rights {
  readonly component: string;
  readonly #publish = new TopicTrie<true>(1_024);
  readonly #subscribe: readonly string[];

  constructor(component: string, publish: readonly string[], subscribe: readonly string[]) {
    this.component = component;
    for (const pattern of publish) this.#publish.add(pattern, true);
    this.#subscribe = subscribe;
  }

  /**
   * Returns why the component may not publish there; `undefined` if it may. A component that may send a request may cancel it.
   *
   * @throws {TopicInvalidError}
   */
  refusePublish(topic: string): string | undefined {
    parseTopic(topic);
    if (topic.startsWith(CANCEL_PREFIX)) return this.refusePublish(topic.slice(CANCEL_PREFIX.length));
    if (DURABLE.has(topic)) return undefined;
    const reserved = whyNotPublish(topic);
    if (reserved !== undefined) return reserved;
    if (this.#publish.match(topic).length > 0) return undefined;
    return `${this.component} may not publish there`;
  }

  /**
   * Returns why the component may not subscribe to that; `undefined` if it may. One that may answer requests may subscribe to
   * their cancellations.
   *
   * @throws {TopicInvalidError}
   */
  refuseSubscribe(pattern: string, replyPrefix: string): string | undefined {
    parsePattern(pattern);
    if (pattern.startsWith(`${replyPrefix}.`)) return undefined;
    if (pattern.startsWith(CANCEL_PREFIX))
      return this.refuseSubscribe(pattern.slice(CANCEL_PREFIX.length), replyPrefix);
    const reserved = whyNotSubscribe(pattern);
    if (reserved !== undefined) return reserved;
    if (this.#subscribe.some((granted) => covers(granted, pattern))) return undefined;
    return `${this.component} may not subscribe to that`;
  }
}
