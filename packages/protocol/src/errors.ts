import { defineError } from './aico-error.ts';

/** The name is not a valid topic or pattern. */
export class TopicInvalidError extends defineError({
  code: 'AICO_TOPIC_INVALID',
  status: 400,
  hint: 'Write dotted words: notes.created. In a pattern, * stands for one word and a final > for the rest.',
  make: (topic: string, reason: string) => ({
    message: `${JSON.stringify(topic.slice(0, 255))} ${reason}`,
    topic,
  }),
}) {}

/** The data is nested deeper, or is larger, than an entry point accepts. */
export class DataBoundsError extends defineError({
  code: 'AICO_DATA_BOUNDS',
  exit: 'database',
  status: 413,
  hint: 'Send less at once: store large content elsewhere and send its address; flatten deep nesting.',
  /** @param what names the data for a reader: `'the message for "notes.created"'` */
  make: (what: string, measure: 'depth' | 'bytes', limit: number) => {
    const reason = measure === 'depth' ? `nested deeper than ${limit} levels` : `larger than ${limit} bytes`;
    return { message: `${what} is ${reason}`, measure, limit };
  },
}) {}
