import { ask, type ReplyOf } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useAction } from '../../backend/action.ts';
import { Dialog } from '../../elements/dialog.tsx';
import { FailureBox } from '../../elements/failure-box.tsx';
import { Time } from '../../elements/time.tsx';
import { type Device, rolesFrom } from './device-row.tsx';
import { QrCode } from './qr-code.tsx';

interface PairDialogProps {
  /** The devices of now: the one that is not among those of the beginning is the new one. */
  readonly known: readonly Device[];
  readonly onClose: () => void;
}

/** Creates a code for one device, shows it, and says when the device has used it. */
export function PairDialog({ known, onClose }: PairDialogProps) {
  const [roles, setRoles] = useState('');
  const [pairing, setPairing] = useState<ReplyOf<'post', '/api/v1/devices/pairings'>>();
  const [before] = useState(() => new Set(known.map(({ id }) => id)));
  const added = known.find(({ id }) => !before.has(id));
  const create = useAction(
    (client) =>
      ask(client, 'post', '/api/v1/devices/pairings', {
        body: roles === '' ? {} : { roles: rolesFrom(roles) },
      }),
    setPairing,
  );
  return (
    <Dialog title="Pair a device" onClose={onClose}>
      {pairing === undefined ? (
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            create.run();
          }}
        >
          <label>
            <span>roles, with commas between them; empty for the default</span>
            <input value={roles} onInput={(event) => setRoles(event.currentTarget.value)} />
          </label>
          <FailureBox failure={create.failure} />
          <footer>
            <button type="submit" disabled={create.isBusy}>
              Create a code
            </button>
          </footer>
        </form>
      ) : (
        <>
          <QrCode text={pairing.code} />
          <p class="code">
            <code>{pairing.code}</code>
          </p>
          <p class="quiet">
            For one device, with the roles {pairing.roles.join(', ')}. It expires{' '}
            <Time at={pairing.expiresAt} />.
          </p>
          <p class="quiet small">
            This backend: <code>{pairing.fingerprint}</code>
          </p>
          <p role="status">
            {added === undefined ? 'No device has used it yet.' : `${added.name} is paired.`}
          </p>
        </>
      )}
    </Dialog>
  );
}
