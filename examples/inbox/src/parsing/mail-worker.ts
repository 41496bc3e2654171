/** The thread that parses mail: it receives a message and posts one answer. */
import { parentPort } from 'node:worker_threads';
import { MessageRefusedError } from '../errors.ts';
import { type ParsedMail, parseMail } from './mail-parser.ts';

/** The thread's answer for a message. */
export type ParseAnswer = { readonly mail: ParsedMail } | { readonly refused: string };

parentPort?.on('message', (raw: Uint8Array) => {
  void answerTo(raw).then((answer) => parentPort?.postMessage(answer));
});

async function answerTo(raw: Uint8Array): Promise<ParseAnswer> {
  try {
    return { mail: await parseMail(raw) };
  } catch (error) {
    if (error instanceof MessageRefusedError) return { refused: error.message };
    return { refused: `the parser failed on it: ${error instanceof Error ? error.message : String(error)}` };
  }
}
