import { STATUS_CODES } from 'node:http';
import { AicoError, type Problem } from '@aico/protocol';

type RefusalStatus = 400 | 401 | 429 | 503;

/** How an unlocking that failed is told, over a socket that only the owner of the home can open. */
export interface UnlockRefusal {
  readonly status: RefusalStatus;
  readonly problem: Problem;
  /** Seconds until another try is looked at, where tries are slowed down. */
  readonly retryAfterSeconds: number | undefined;
}

/** What the owner may do something about; `undefined` for a failure that is nobody's to mend. */
export function refusalOf(error: unknown): UnlockRefusal | undefined {
  const root = rootOf(error);
  if (root === undefined) return undefined;
  const retryAfterMs =
    'retryAfterMs' in root && typeof root.retryAfterMs === 'number' ? root.retryAfterMs : undefined;
  const status = statusFor(root.code, retryAfterMs);
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

function statusFor(code: string, retryAfterMs: number | undefined): RefusalStatus | undefined {
  if (retryAfterMs !== undefined) return 429;
  if (code === 'AICO_KEY_NOT_GIVEN') return 400;
  if (/^AICO_KEY_.*(?:WRONG|INVALID|REFUSED)$/.test(code)) return 401;
  return /^AICO_(?:KEY|DATABASE|SERVICE|PLUGIN)_/.test(code) ? 503 : undefined;
}

/** The error at the root: of a service that did not start, why it did not. */
function rootOf(error: unknown): AicoError | undefined {
  let root: AicoError | undefined;
  for (let each = error, depth = 0; each instanceof Error && depth < 16; each = each.cause, depth += 1)
    if (each instanceof AicoError) root = each;
  return root;
}
