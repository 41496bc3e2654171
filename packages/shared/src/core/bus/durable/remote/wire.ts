import { type Static, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { DURABLE_LIMITS } from '../rules.ts';

/** The topics on which other processes send requests to the store of durable messages. */
export const DURABLE_TOPICS = {
  publish: '_durable.publish',
  open: '_durable.open',
  pull: '_durable.pull',
  settle: '_durable.settle',
  close: '_durable.close',
} as const;

/** The code of the answer to a request for a consumption that has ended. The client then opens it again. */
export const CONSUMPTION_ENDED = 'AICO_BUS_CONSUMPTION_ENDED';

const Content = {
  datacontenttype: Type.String({ minLength: 1, maxLength: 255 }),
  traceparent: Type.Optional(Type.String({ maxLength: 255 })),
  /** A JSON body, unchanged. */
  text: Type.Optional(Type.String()),
  /** A body of any other content type. */
  base64: Type.Optional(
    Type.String({ pattern: '^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$' }),
  ),
};
const Consumption = Type.String({ minLength: 1, maxLength: 64 });
const Ordinal = Type.Integer({ minimum: 1 });

export const PublishRequest = Type.Object({
  id: Type.String({ minLength: 1, maxLength: DURABLE_LIMITS.id }),
  type: Type.String(),
  ...Content,
});

export const OpenRequest = Type.Object({
  /** Chosen by the client and unique among its consumptions. Opening an open consumption restarts it. */
  consumption: Consumption,
  pattern: Type.String(),
  consumer: Type.String({ minLength: 1, maxLength: DURABLE_LIMITS.name }),
  maxInFlight: Type.Optional(Type.Integer({ minimum: 1, maximum: DURABLE_LIMITS.inFlight })),
  maxAttempts: Type.Optional(Type.Integer({ minimum: 1, maximum: DURABLE_LIMITS.attempts })),
  retryDelayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: DURABLE_LIMITS.retryDelayMs })),
  from: Type.Optional(
    Type.Union([
      Type.Literal('now'),
      Type.Literal('start'),
      Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
    ]),
  ),
});

/** Identifies a delivery: a message that failed is delivered again with the next attempt. */
const Delivered = { number: Ordinal, attempt: Ordinal };

export const PullRequest = Type.Object({
  consumption: Consumption,
  /** The messages in flight at the client. The broker sends the other unsettled messages again. */
  holding: Type.Array(Type.Object(Delivered), { maxItems: DURABLE_LIMITS.inFlight }),
  waitMs: Type.Integer({ minimum: 0, maximum: DURABLE_LIMITS.waitMs }),
  /** Whether the broker also answers when the consumer becomes idle. */
  idle: Type.Optional(Type.Boolean()),
});

export const PulledMessage = Type.Object({
  ...Delivered,
  id: Type.String(),
  type: Type.String(),
  source: Type.String(),
  time: Type.Integer(),
  ...Content,
});

export const PullAnswer = Type.Object({ messages: Type.Array(PulledMessage), idle: Type.Boolean() });

export const SettleRequest = Type.Object({
  consumption: Consumption,
  ...Delivered,
  ok: Type.Boolean(),
  reason: Type.Optional(Type.String({ maxLength: 1_024 })),
});

export const CloseRequest = Type.Object({ consumption: Consumption });

export type PublishRequest = Static<typeof PublishRequest>;
export type OpenRequest = Static<typeof OpenRequest>;
export type PullRequest = Static<typeof PullRequest>;
export type PulledMessage = Static<typeof PulledMessage>;
export type PullAnswer = Static<typeof PullAnswer>;
export type SettleRequest = Static<typeof SettleRequest>;

// Compiled on first use, since most clients have no durable messages.
let pullAnswer: Validator<Record<never, never>, typeof PullAnswer> | undefined;

/** Returns `undefined` when `value` is not an answer to `_durable.pull`. */
export function readPullAnswer(value: unknown): PullAnswer | undefined {
  pullAnswer ??= Compile(PullAnswer);
  return pullAnswer.Check(value) ? value : undefined;
}

type Body = { readonly text?: string | undefined; readonly base64?: string | undefined };

/** Encodes a body: JSON as text, anything else as Base64. */
export function writeBody(body: string | Uint8Array): { text: string } | { base64: string } {
  return typeof body === 'string'
    ? { text: body }
    : { base64: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64') };
}

/** Decodes a body that {@link writeBody} encoded. */
export function readBody({ text, base64 = '' }: Body): string | Uint8Array {
  return text ?? Uint8Array.from(Buffer.from(base64, 'base64'));
}
