/** `@aico/client/ask`: the backend's own routes, their replies and events typed and looked at. */
export { type Asked, ask, checkReply, type PathOf, type ReplyOf } from './core/ask.ts';
export { type LoggedLine, loggedLineOf } from './core/logged-line.ts';
export { ReplyShapeError } from './errors.ts';
