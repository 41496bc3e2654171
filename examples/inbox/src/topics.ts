import { defineTopic, Type } from '@aico/backend/plugin';

/** Published for each message in the transaction that stores it, and durable: a consumer misses none. */
export const messageImported = defineTopic(
  'inbox.message.imported',
  Type.Object({
    id: Type.Integer(),
    /** The `Message-ID` header, if there is one. */
    messageId: Type.Optional(Type.String()),
    /** Hexadecimal, of the bytes as they came. */
    sha256: Type.String(),
    /** Bytes. */
    size: Type.Integer(),
  }),
);
