/** `@aico/client/ask`: typed requests to the backend's own routes, with replies and events checked at run time. */
export { type Asked, ask, checkReply, type PathOf, type ReplyOf } from './core/ask.ts';
export { type LoggedLine, loggedLineOf } from './core/logged-line.ts';
export { ReplyShapeError } from './errors.ts';
