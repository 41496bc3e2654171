import { type ContentType, contentTypeOf, decodeBody, encodeBody } from '../codec.ts';

/** A payload as it travels. */
export interface EncodedPayload {
  readonly contentType: string;
  readonly content: string | Uint8Array;
}

/** @throws {PayloadInvalidError} when it is not data, or not what `contentType` stands for */
export function encodePayload(
  topic: string,
  payload: unknown,
  contentType: ContentType = contentTypeOf(payload),
): EncodedPayload {
  return { contentType, content: encodeBody(topic, payload, contentType) };
}

/** @throws {PayloadInvalidError} when the bytes are not what `contentType` says */
export function decodePayload(contentType: string, bytes: Buffer, topic: string): unknown {
  return decodeBody(topic, bytes, contentType);
}
