import { STATUS_CODES } from 'node:http';
import { AicoError, ExitCode, type Problem } from '@aico/protocol';

type RefusalStatus = 400 | 401 | 429 | 503;

/** The reply to a failed unlock, over a socket that only the owner of the home can open. */
interface UnlockRefusal {
  readonly status: RefusalStatus;
  readonly problem: Problem;
  /** Seconds until another attempt is accepted, if attempts are limited. */
  readonly retryAfterSeconds: number | undefined;
}

/** The reply if the owner can resolve the failure; `undefined` for every other failure. */
export function refusalOf(error: unknown): UnlockRefusal | undefined {
  const root = rootOf(error);
  if (root === undefined) return undefined;
  const retryAfterMs =
    'retryAfterMs' in root && typeof root.retryAfterMs === 'number' ? root.retryAfterMs : undefined;
  const status = statusFor(root);
  if (status === undefined) return undefined;
  return {
    status,
    problem: {
      type: 'about:blank',
      title: STATUS_CODES[status] ?? 'Request Refused',
      status,
      detail: root.message,
      code: root.code,
      ...(root.hint === undefined ? {} : { hint: root.hint }),
    },
    retryAfterSeconds: retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1_000)),
  };
}

function statusFor(error: AicoError): RefusalStatus | undefined {
  switch ('exitCode' in error ? error.exitCode : undefined) {
    case ExitCode.key: {
      const status = 'statusCode' in error ? error.statusCode : undefined;
      return status === 400 || status === 401 || status === 429 ? status : 503;
    }
    case ExitCode.database:
    case ExitCode.plugin:
    case ExitCode.startTimeout:
      return 503;
    default:
      return undefined;
  }
}

/** The error at the root: for a service that did not start, the reason. */
function rootOf(error: unknown): AicoError | undefined {
  let root: AicoError | undefined;
  for (let each = error, depth = 0; each instanceof Error && depth < 16; each = each.cause, depth += 1)
    if (each instanceof AicoError) root = each;
  return root;
}
