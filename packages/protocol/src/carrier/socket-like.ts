/** The members of a socket that a stream in its place offers, if the layer below has them. */
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
