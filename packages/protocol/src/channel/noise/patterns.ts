/** The tokens of a handshake message (Noise rev 34, sections 7 and 9). */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

export interface HandshakePattern {
  readonly name: string;
  /** Whether the initiator knows the responder's static key beforehand. */
  readonly knowsResponder: boolean;
  /** Message by message; the initiator sends the first. */
  readonly messages: readonly (readonly Token[])[];
}

/** For a device that was paired: both static keys are pinned, and a key known to this pair alone is mixed in. */
export const IK_PSK2: HandshakePattern = {
  name: 'IKpsk2',
  knowsResponder: true,
  messages: [
    ['e', 'es', 's', 'ss'],
    ['e', 'ee', 'se', 'psk'],
  ],
};

/** For first contact: both static keys are sent, sealed, and the pairing code's key proves both sides. */
export const XX_PSK3: HandshakePattern = {
  name: 'XXpsk3',
  knowsResponder: false,
  messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se', 'psk']],
};
