/** The tokens of a handshake message (Noise rev 34, sections 7 and 9). */
export type Token = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';

export interface HandshakePattern {
  readonly name: string;
  /** Whether the initiator knows the responder's static key in advance. */
  readonly knowsResponder: boolean;
  /** One list of tokens per message; the initiator sends the first. */
  readonly messages: readonly (readonly Token[])[];
}

/** For a paired device: both static keys are pinned, and a key shared by these two alone is mixed in. */
export const IK_PSK2: HandshakePattern = {
  name: 'IKpsk2',
  knowsResponder: true,
  messages: [
    ['e', 'es', 's', 'ss'],
    ['e', 'ee', 'se', 'psk'],
  ],
};

/** For pairing: both static keys are sent, sealed, and the key of the pairing code authenticates both sides. */
export const XX_PSK3: HandshakePattern = {
  name: 'XXpsk3',
  knowsResponder: false,
  messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se', 'psk']],
};
