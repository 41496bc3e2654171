import type { World } from './world.ts';

/**
 * How the snippets of one document are run, and the effect that each must have. The key of a block is its first line; in a shell
 * block each line has an entry of its own, and its key is the line without its comment.
 */
export interface DocumentEffects {
  readonly document: string;
  readonly shell?: Readonly<Record<string, LineEffect | NotRun>>;
  readonly code?: Readonly<Record<string, CodeEffect>>;
  /** Runs before the first snippet. */
  readonly setUp?: (world: World) => Promise<void>;
}

/** A line that no test can run. */
interface NotRun {
  readonly notRun: string;
}

/** The required effect of a line of a shell block. */
export interface LineEffect {
  /** The command that runs instead of the line, where the line names a host, a code or a terminal of its reader. */
  readonly as?: (line: string, world: World) => string;
  readonly before?: (world: World) => Promise<void>;
  /** The required output, standard error included. */
  readonly shows: RegExp;
  /** Default: 0 alone. */
  readonly exitCodes?: readonly number[];
  /** The command runs on until the snippets of the document have been run; `shows` is awaited. */
  readonly keepsRunning?: true;
  /** Runs on the home of another machine. */
  readonly onLaptop?: true;
  readonly after?: (world: World, output: string) => Promise<void> | void;
}

/** Checks the effect of a block of another language; throws if it is missing. */
type CodeEffect = (world: World, code: string) => Promise<void>;
