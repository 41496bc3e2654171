import { ExitCode, exitCodeFor } from '@aico/backend/exit-codes';
import { AicoError } from '@aico/protocol';
import pc from 'picocolors';

/** The exit code an error leads to. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return ExitCode.failure;
  if ('exitCode' in error && typeof error.exitCode === 'number') return error.exitCode;
  if (!('code' in error)) return ExitCode.failure;
  if (error.code === 'AICO_CLIENT_NOT_RUNNING') return ExitCode.notRunning;
  if (error.code === 'AICO_CLI_USAGE') return ExitCode.usage;
  return exitCodeFor(error);
}

/** Says what happened and what to do, on stderr; as one JSON object where JSON was asked for. */
export function printError(error: unknown, json: boolean): void {
  const known = error instanceof AicoError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (json) {
    const { code, hint } = known ?? {};
    process.stderr.write(
      `${JSON.stringify({ error: { code, message, hint, exitCode: exitCodeOf(error) } })}\n`,
    );
    return;
  }
  const colours = pc.createColors(process.stderr.isTTY && !process.env.NO_COLOR);
  const lines = [`${colours.red('error')}: ${message}`];
  if (known?.hint !== undefined) lines.push(`${colours.cyan('hint')}: ${known.hint}`);
  if (known !== undefined) lines.push(colours.dim(`code: ${known.code}`));
  // An error that is not ours is a fault of the program: whoever reports it needs the place.
  else if (error instanceof Error && error.stack !== undefined) lines.push(colours.dim(error.stack));
  process.stderr.write(`${lines.join('\n')}\n`);
}
