import { type Static, Type } from 'typebox';

/** `plugins.inbox` */
export const inboxConfig = Type.Object({
  max_message_mib: Type.Integer({
    default: 25,
    minimum: 1,
    maximum: 50,
    description: 'Messages larger than this are refused.',
  }),
});

export type InboxConfig = Static<typeof inboxConfig>;
