export { MessageQueue, type QueuedBatch } from '../delivery/message-queue.ts';
export { ReceiverFeed } from '../delivery/receiver-feed.ts';
export { BusProtocolError, MessageTooLargeError } from './errors.ts';
export {
  FrameBatch,
  headerFault,
  LONGEST_TIME_LEFT_MS,
  MESSAGE_OVERHEAD,
  NO_NUMBER,
  readBatch,
  writeTimeLeft,
} from './frame-batch.ts';
export { FRAME_START, FrameMemory, FrameWriter, FULL_FRAME } from './frame-writer.ts';
export {
  bye,
  type ContentOf,
  challenge,
  dropped,
  type FrameBody,
  FrameType,
  frameBody,
  type Hello,
  hello,
  type OverflowPolicy,
  PROTOCOL_VERSION,
  proof,
  ROUTING_ID_LENGTH,
  readAck,
  readNumber,
  refused,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  type Welcome,
  welcome,
  writeAck,
} from './frames.ts';
export { Inbox } from './inbox.ts';
