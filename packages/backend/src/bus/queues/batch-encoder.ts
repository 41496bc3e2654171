import {
  type Batch,
  type BatchHeader,
  contentTypeOf,
  encodeBody,
  failureAnswer,
  isContentType,
  PayloadInvalidError,
  REPLY_PREFIX,
} from '@aico/shared/core/bus';
import {
  FRAME_START,
  FrameBatch,
  FrameType,
  FrameWriter,
  FULL_FRAME,
  headerFault,
  MessageTooLargeError,
} from '@aico/shared/core/bus/frames';

interface BatchEncoderOptions {
  /** The largest message body that is encoded, in bytes. */
  readonly messageBytes: number;
  /** Called with each message that cannot leave this process. */
  readonly onError: (error: unknown) => void;
}

/** Encodes the messages of this process for peers. */
export class BatchEncoder {
  readonly #options: BatchEncoderOptions;
  readonly #writer = new FrameWriter();
  /** The encoded bytes of a batch, shared by all peers. */
  readonly #written = new WeakMap<Batch, readonly FrameBatch[]>();

  constructor(options: BatchEncoderOptions) {
    this.#options = options;
  }

  /** The encoded messages, created once for any number of subscribers. Messages of another node are encoded already. */
  encode(batch: Batch): readonly FrameBatch[] {
    if (batch instanceof FrameBatch) return [batch];
    let written = this.#written.get(batch);
    if (written === undefined) {
      written = this.#write(batch);
      this.#written.set(batch, written);
    }
    return written;
  }

  /** Encodes a batch, as several if it is large. A value that cannot be encoded, such as a Map, stays within this process. */
  #write(batch: Batch): readonly FrameBatch[] {
    const { header } = batch;
    const written: FrameBatch[] = [];
    const fault = headerFault(header);
    let messages = 0;
    let offsets: number[] = [];
    const end = (): void => {
      if (offsets.length > 1) {
        const frame = this.#writer.finish(FrameType.DELIVER, 0);
        const place = { frame, start: FRAME_START + 6, messages };
        written.push(new FrameBatch(header, place, Uint32Array.from(offsets)));
      }
      this.#writer.discard();
      offsets = [];
    };
    for (let index = 0; index < batch.length; index += 1) {
      try {
        if (fault !== undefined)
          throw new PayloadInvalidError(header.topic, [{ path: `/${fault.name}`, message: fault.reason }]);
        const content = this.#contentOf(header, batch.payload(index));
        if (offsets.length === 0) {
          messages = this.#writer.beginBatch(header);
          offsets.push(0);
        }
        this.#writer.message(batch.number(index), content);
        offsets.push(this.#writer.length - messages);
      } catch (error) {
        this.#options.onError(error);
      }
      if (this.#writer.length >= FULL_FRAME) end();
    }
    end();
    return written;
  }

  #contentOf(header: BatchHeader, payload: unknown): string | Uint8Array {
    const { topic, contentType } = header;
    const { messageBytes } = this.#options;
    try {
      const content = encodeBody(
        topic,
        payload,
        isContentType(contentType) ? contentType : contentTypeOf(payload),
      );
      const bytes = Buffer.byteLength(content);
      if (bytes > messageBytes) throw new MessageTooLargeError(topic, bytes, messageBytes);
      return content;
    } catch (error) {
      if (!topic.startsWith(REPLY_PREFIX)) throw error;
      // The requester in the other process gets an error immediately, since the answer cannot be sent.
      this.#options.onError(error);
      return JSON.stringify(failureAnswer(error));
    }
  }
}
