import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Action } from '../backend/action.ts';
import { Dialog } from './dialog.tsx';
import { FailureBox } from './failure-box.tsx';

interface ConfirmButtonProps {
  /** The label of the button, and of the one in the dialog. */
  readonly label: string;
  /** The question of the dialog. */
  readonly question: string;
  readonly action: Action<[]>;
  readonly isDisabled?: boolean;
  readonly children?: ComponentChildren;
}

/** A button whose action happens after a confirmation. The dialog shows a failure and stays open. */
export function ConfirmButton({ label, question, action, isDisabled = false, children }: ConfirmButtonProps) {
  const [isOpen, setOpen] = useState(false);
  const wasBusy = useRef(false);
  useEffect(() => {
    if (wasBusy.current && !action.isBusy && action.failure === undefined) setOpen(false);
    wasBusy.current = action.isBusy;
  }, [action.isBusy, action.failure]);
  return (
    <>
      <button type="button" disabled={isDisabled} onClick={() => setOpen(true)}>
        {label}
      </button>
      {isOpen && (
        <Dialog title={question} onClose={() => setOpen(false)}>
          {children}
          <FailureBox failure={action.failure} />
          <footer>
            <button type="button" class="danger" disabled={action.isBusy} onClick={() => action.run()}>
              {label}
            </button>
            <button type="button" onClick={() => setOpen(false)}>
              Cancel
            </button>
          </footer>
        </Dialog>
      )}
    </>
  );
}
