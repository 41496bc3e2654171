import type { CryptoSuite } from '@aico/protocol/channel';

/** The native suite if its addon is installed, otherwise the JavaScript suite; both produce the same bytes. */
export async function cryptoSuite(): Promise<CryptoSuite> {
  try {
    return (await import('@aico/protocol/channel/node')).sodiumSuite;
  } catch {
    return (await import('@aico/protocol/channel/noble')).nobleSuite;
  }
}
