export { AicoError, type AicoErrorOptions } from './errors.ts';
