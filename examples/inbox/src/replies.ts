import { type Static, Type } from '@aico/backend/plugin';

const summary = {
  id: Type.Integer(),
  subject: Type.String(),
  sender: Type.String(),
  sentAt: Type.Optional(
    Type.String({ format: 'date-time', description: 'Absent where the message names no date.' }),
  ),
  size: Type.Integer({ description: 'Bytes, as it came.' }),
  attachments: Type.Integer(),
  snippet: Type.Optional(Type.String({ description: 'Where a search found it.' })),
};

/** A message in a list. */
export const MailSummary = Type.Object(summary);
export type MailSummary = Static<typeof MailSummary>;

/** A message, read. */
export const MailDetail = Type.Object({
  ...summary,
  messageId: Type.Optional(Type.String()),
  recipients: Type.String(),
  text: Type.String(),
  labels: Type.Immutable(Type.Array(Type.String({ description: 'From the filters of other plugins.' }))),
});
export type MailDetail = Static<typeof MailDetail>;

const Summaries = Type.Immutable(Type.Array(MailSummary));

/** The results of a search, best match first. */
export const Found = Type.Object({ messages: Summaries });

/** Messages, newest first. */
export const Page = Type.Object({
  messages: Summaries,
  next: Type.Optional(
    Type.Integer({ description: 'As `before`, it gives the next page; absent with the last.' }),
  ),
});

/** The outcome for one message of an import. */
export const ImportResult = Type.Union([
  Type.Object({ status: Type.Enum(['imported', 'duplicate']), id: Type.Integer() }),
  Type.Object({ status: Type.Literal('refused'), reason: Type.String() }),
]);
export type ImportResult = Static<typeof ImportResult>;

/** The outcome for each message of an import, in the order of the request. */
export const Imported = Type.Object({ results: Type.Immutable(Type.Array(ImportResult)) });

export const Stats = Type.Object({
  messages: Type.Integer(),
  bytes: Type.Integer(),
  maxMessageBytes: Type.Integer(),
  maxBatch: Type.Integer({ description: 'Most messages an import may bring at once.' }),
});
