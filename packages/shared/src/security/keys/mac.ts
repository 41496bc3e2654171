import { createHmac, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA-256 of a text, in base64url. */
export function macOf(text: string, key: Uint8Array): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** Whether two MACs are equal, compared in constant time. */
export function isSameMac(found: string, expected: string): boolean {
  const [one, other] = [Buffer.from(found), Buffer.from(expected)];
  return one.byteLength === other.byteLength && timingSafeEqual(one, other);
}
