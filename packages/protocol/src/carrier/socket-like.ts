/** What a stream in the place of a socket has of one, where what lies beneath has it. */
export interface SocketLike {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly remoteFamily?: string | undefined;
  setTimeout?(ms: number, callback?: () => void): unknown;
  setNoDelay?(on?: boolean): unknown;
  setKeepAlive?(on?: boolean, delay?: number): unknown;
  ref?(): unknown;
  unref?(): unknown;
}
