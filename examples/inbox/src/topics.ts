import { defineTopic } from '@aico/shared/core/bus';
import { Type } from 'typebox';

/** Published once for each message that was stored, after it is durable. */
export const messageImported = defineTopic(
  'inbox.message.imported',
  Type.Object({ id: Type.Integer(), sha256: Type.String(), size: Type.Integer() }),
);
