/** `@aico/client/ask`: the backend's own routes, their replies typed and looked at. */
export { type Asked, ask, checkReply, type PathOf, type ReplyOf } from './core/ask.ts';
export { ReplyShapeError } from './errors.ts';
