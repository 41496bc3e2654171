import type { CryptoSuite } from '@aico/protocol/channel';

/** The fast one where its addon is installed, else JavaScript alone: both make the same bytes. */
export async function cryptoSuite(): Promise<CryptoSuite> {
  try {
    return (await import('@aico/protocol/channel/node')).sodiumSuite;
  } catch {
    return (await import('@aico/protocol/channel/noble')).nobleSuite;
  }
}
