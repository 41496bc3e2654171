import { type Static, Type } from 'typebox';

/** `plugins.inbox` */
export const inboxConfig = Type.Object({
  max_message_mib: Type.Integer({
    default: 25,
    minimum: 1,
    maximum: 250,
    description: 'Messages larger than this are refused.',
  }),
  parse_timeout_s: Type.Integer({
    default: 60,
    minimum: 1,
    maximum: 3_600,
    description: 'Messages that take longer than this to read are refused.',
  }),
});

export type InboxConfig = Static<typeof inboxConfig>;
