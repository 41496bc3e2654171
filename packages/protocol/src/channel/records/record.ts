import { TAG_BYTES } from '../suites/crypto-suite.ts';
import { MAX_FRAME } from '../wire.ts';

/** The type of a record: the first byte of its plaintext. */
export const RecordType = {
  /** Bytes of the stream. */
  data: 0,
  /** The authenticated end of this direction. */
  end: 1,
  /** No content: keeps a connection alive, or hides silence. */
  idle: 2,
  /** This direction's key is replaced after this record. */
  renew: 3,
} as const;

/** Type and content length, before the content. */
export const HEADER_BYTES = 3;
export const MAX_PLAINTEXT: number = MAX_FRAME - TAG_BYTES;
/** The most content of one record. */
export const MAX_CONTENT: number = MAX_PLAINTEXT - HEADER_BYTES;
const SMALLEST_BUCKET = 64;
/** The shortest record: the smallest bucket and its tag. */
export const MIN_RECORD: number = SMALLEST_BUCKET + TAG_BYTES;

/** The number of records, or of their bytes, after which the key of a direction is replaced, whichever comes first. */
export const RENEW_AFTER_RECORDS = 65_536;
export const RENEW_AFTER_BYTES = 0x4000_0000;

/**
 * The length to which `length` bytes (header and content) are padded: a power of two up to 1 KiB, above it PADMÉ (Nikitin et
 * al., 2019, section 4), which costs at most 1/16 and leaves few distinguishable lengths.
 */
export function paddedLength(length: number): number {
  if (length <= SMALLEST_BUCKET) return SMALLEST_BUCKET;
  if (length <= 1024) return 1 << (32 - Math.clz32(length - 1));
  const exponent = 31 - Math.clz32(length);
  const significant = 32 - Math.clz32(exponent);
  const mask = (1 << (exponent - significant)) - 1;
  return Math.min(MAX_PLAINTEXT, (length + mask) & ~mask);
}
