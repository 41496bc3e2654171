import { defineTopic, Type } from '@aico/backend/plugin';

/** Published with each digest, in the transaction that stores it. */
export const digestReady = defineTopic(
  'digest.ready',
  Type.Object({
    day: Type.String({ description: 'As 2026-01-31, in the time zone of the digest.' }),
    messages: Type.Integer(),
  }),
);
