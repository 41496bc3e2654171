import type { Failure } from '../backend/failure.ts';

interface FailureBoxProps {
  readonly failure: Failure | undefined;
  readonly onRetry?: () => void;
}

/** A failure with its hint, its code, and a link to the log lines of the request. */
export function FailureBox({ failure, onRetry }: FailureBoxProps) {
  if (failure === undefined) return null;
  const { message, hint, code, requestId } = failure;
  return (
    <div class="failure" role="alert">
      <p>{message}</p>
      {hint !== undefined && <p class="quiet">{hint}</p>}
      <p class="quiet small">
        {code !== undefined && <code>{code}</code>}{' '}
        {requestId !== undefined && (
          <a href={`#/logs?requestId=${encodeURIComponent(requestId)}`}>lines of this request</a>
        )}
      </p>
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}
