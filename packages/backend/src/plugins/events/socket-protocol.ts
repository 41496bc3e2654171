import {
  AicoError,
  DataBoundsError,
  type Problem,
  parseBoundedJson,
  parseJson,
  problemFrom,
} from '@aico/protocol';
import { type Static, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Check, Errors } from 'typebox/value';
import { SocketMessageError } from './errors.ts';

const Topic = Type.String({ minLength: 1, maxLength: 255 });
/** Chosen by the client and returned with the answer. */
const Id = Type.Union([Type.Integer(), Type.String({ maxLength: 64 })]);
const Closed = { additionalProperties: false };

/** The messages of a client, each one JSON object as text. */
const Said = Type.Union([
  Type.Object(
    {
      op: Type.Literal('subscribe'),
      id: Id,
      topic: Topic,
      after: Type.Optional(Type.String({ maxLength: 64 })),
    },
    Closed,
  ),
  Type.Object({ op: Type.Literal('unsubscribe'), id: Id, topic: Topic }, Closed),
  Type.Object({ op: Type.Literal('publish'), id: Id, topic: Topic, data: Type.Unknown() }, Closed),
]);

export type Said = Static<typeof Said>;

let said: Validator<Record<never, never>, typeof Said> | undefined;

/** The messages to a client, except `event`, which is built as text. */
export type Told =
  | {
      readonly op: 'subscribed';
      readonly id: Said['id'];
      readonly topic: string;
      readonly subscription: string;
      readonly resumed: boolean;
    }
  | { readonly op: 'unsubscribed' | 'published'; readonly id: Said['id']; readonly topic: string }
  | { readonly op: 'gap'; readonly topic: string; readonly at: string; readonly lost: number }
  | { readonly op: 'ended'; readonly topic: string }
  | { readonly op: 'error'; readonly id: Said['id'] | null; readonly problem: Problem };

/** The client's id of a message, also of an invalid one; null if it has no readable id. */
export function idOf(text: string): Said['id'] | null {
  try {
    const value: unknown = parseJson(text);
    if (typeof value === 'object' && value !== null && 'id' in value && Check(Id, value.id)) return value.id;
  } catch {
    // Not JSON; the refusal reports it.
  }
  return null;
}

/** @throws {SocketMessageError} @throws {DataBoundsError} */
export function parseSaid(text: string): Said {
  let value: unknown;
  try {
    value = parseBoundedJson(text, 'the message');
  } catch (error) {
    if (error instanceof DataBoundsError) throw error;
    throw new SocketMessageError('it is not JSON', error);
  }
  // Compiled at the first message, since most backends serve no WebSocket.
  said ??= Compile(Said);
  if (said.Check(value)) return value;
  throw new SocketMessageError(faultOf(value));
}

/** The first fault within the variant of `op`: the union would report those of its first variant. */
function faultOf(value: unknown): string {
  const ops = Said.anyOf.map(({ properties }) => properties.op.const);
  const form = Said.anyOf.find(({ properties }) => properties.op.const === opOf(value));
  if (form === undefined) return `"op" must be one of ${ops.map((op) => `"${op}"`).join(', ')}`;
  const [first] = Errors(form, value);
  return first === undefined ? 'it has no known form' : `${first.instancePath} ${first.message}`.trim();
}

function opOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'op' in value ? value.op : undefined;
}

export function toldEvent(topic: string, at: string, event: string): string {
  return `{"op":"event","topic":${JSON.stringify(topic)},"at":"${at}","event":${event}}`;
}

export function toldError(id: Said['id'] | null, error: unknown): string {
  const told: Told = { op: 'error', id, problem: problemFrom(error) };
  return JSON.stringify(told);
}

/** Whether the failure is the server's, so that the client gets no details. */
export function isOurs(error: unknown): boolean {
  return !(error instanceof AicoError && problemFrom(error).status < 500);
}
