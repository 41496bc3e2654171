import { AicoError } from './aico-error.ts';

/** The media type of RFC 9457. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** One of several reasons: a location, as a JSON pointer or a path, and the fault found there. */
export interface ProblemIssue {
  path: string;
  message: string;
}

/** A failure as it is reported to a peer: RFC 9457, with `code`, `hint`, `errors` and `request_id` as extensions. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  instance?: string;
  code?: string;
  hint?: string;
  errors?: ProblemIssue[];
  request_id?: string;
}

const INTERNAL: Problem = {
  type: 'about:blank',
  title: 'Internal Server Error',
  status: 500,
  detail: 'The backend could not do this. Its log says why.',
  code: 'AICO_PROBLEM_INTERNAL',
};

/** Titles of the statuses the project answers with (RFC 9110); others get the title of their class. */
const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The statuses from 500 whose cause is another party or temporary, not a fault in the backend. */
const TOLD = [502, 503, 504];

/**
 * Converts an error to the problem that a peer is sent. Message, hint and `issues` of an `AicoError` are included if its
 * `statusCode` is below 500 or 502 to 504; for any other error the problem is constant. Cause and stack are never
 * included.
 *
 * @example problemFrom(new Error('disk at /home/me is full')); // { status: 500, code: 'AICO_PROBLEM_INTERNAL', … }
 */
export function problemFrom(error: unknown): Problem {
  if (!(error instanceof AicoError)) return { ...INTERNAL };
  const status = 'statusCode' in error ? error.statusCode : undefined;
  if (typeof status !== 'number' || !Number.isInteger(status)) return { ...INTERNAL };
  if (status < 400 || (status >= 500 && !TOLD.includes(status))) return { ...INTERNAL };
  const issues = 'issues' in error ? issuesOf(error.issues) : [];
  return {
    type: 'about:blank',
    title: TITLES[status] ?? (status < 500 ? 'Request Refused' : 'Service Unavailable'),
    status,
    detail: error.message,
    code: error.code,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(issues.length === 0 ? {} : { errors: issues }),
  };
}

function issuesOf(value: unknown): ProblemIssue[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((issue: unknown) => {
    if (typeof issue !== 'object' || issue === null || !('path' in issue) || !('message' in issue)) return [];
    const { path, message } = issue;
    return typeof path === 'string' && typeof message === 'string' ? [{ path, message }] : [];
  });
}
