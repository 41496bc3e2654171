import { parsePattern, parseTopic, TopicTrie } from '@aico/protocol';

/** How the topics on which answers come begin. No right covers them: see `OpenRequests`. */
export const REPLY = '_reply.';

/** Precedes the topic whose requests are given up: who may ask may give up, who may answer may hear of it. */
export const CANCEL = '_cancel.';

/** What anybody may ask of the store of durable messages; the store looks at the rights to the topic that is meant. */
const DURABLE: ReadonlySet<string> = new Set([
  '_durable.publish',
  '_durable.open',
  '_durable.pull',
  '_durable.settle',
  '_durable.close',
]);

/** Topics that no wildcard of a remote component reaches begin so: they are the bus's own. */
export function isReserved(topicOrPattern: string): boolean {
  return topicOrPattern.startsWith('_');
}

/**
 * Whether every topic that `pattern` stands for is one that `granted` stands for.
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

/** What one component may do. */
export class Rights {
  readonly component: string;
  readonly #publish = new TopicTrie<true>(1_024);
  readonly #subscribe: readonly string[];

  constructor(component: string, publish: readonly string[], subscribe: readonly string[]) {
    this.component = component;
    for (const pattern of publish) this.#publish.add(pattern, true);
    this.#subscribe = subscribe;
  }

  /** Why it may not publish there; `undefined` when it may. @throws {TopicInvalidError} */
  refusePublish(topic: string): string | undefined {
    if (isReserved(topic)) parseTopic(topic);
    if (topic.startsWith(CANCEL)) return this.refusePublish(topic.slice(CANCEL.length));
    if (DURABLE.has(topic)) return undefined;
    if (isReserved(topic)) return 'topics that begin with "_" are the bus\'s own';
    if (this.#publish.match(topic).length > 0) return undefined;
    return `${this.component} may not publish there`;
  }

  /** Why it may not hear that; `undefined` when it may. @throws {TopicInvalidError} */
  refuseSubscribe(pattern: string, replyPrefix: string): string | undefined {
    parsePattern(pattern);
    if (pattern.startsWith(`${replyPrefix}.`)) return undefined;
    if (pattern.startsWith(CANCEL)) return this.refuseSubscribe(pattern.slice(CANCEL.length), replyPrefix);
    if (isReserved(pattern)) return 'patterns that begin with "_" are the bus\'s own';
    if (this.#subscribe.some((granted) => covers(granted, pattern))) return undefined;
    return `${this.component} may not subscribe to that`;
  }
}
