export { SealedStream, type Sealing } from './sealed-stream.ts';
