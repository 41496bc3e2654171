import { ask, type ReplyOf } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useAction } from '../../backend/action.ts';
import { ConfirmButton } from '../../elements/confirm-button.tsx';
import { Dialog } from '../../elements/dialog.tsx';
import { FailureBox } from '../../elements/failure-box.tsx';
import { linkTo } from '../../elements/route.ts';
import { Time } from '../../elements/time.tsx';

export type Device = ReplyOf<'get', '/api/v1/devices'>['devices'][number];

interface DeviceRowProps {
  readonly device: Device;
  readonly onChange: () => void;
}

export function DeviceRow({ device, onChange }: DeviceRowProps) {
  const { id, name, roles, lastSeenAt, pairedAt, fingerprint } = device;
  const [isEdited, setEdited] = useState(false);
  const revoke = useAction(
    (client) => ask(client, 'delete', '/api/v1/devices/{id}', { path: { id } }),
    onChange,
  );
  return (
    <tr>
      <td class="long">{name}</td>
      <td>{roles.join(', ')}</td>
      <td>{lastSeenAt === undefined ? <span class="quiet">never</span> : <Time at={lastSeenAt} />}</td>
      <td>
        <Time at={pairedAt} />
      </td>
      <td>
        <code>{fingerprint}</code>
      </td>
      <td class="actions">
        <button type="button" aria-label={`Edit ${name}`} onClick={() => setEdited(true)}>
          Edit
        </button>
        <ConfirmButton label="Revoke" question={`Revoke ${name}?`} action={revoke}>
          <p>Its connections are cut at once. To be used again, it has to be paired again.</p>
        </ConfirmButton>
        <a href={linkTo('logs', { device: id })}>log</a>
        {isEdited && <EditDialog device={device} onClose={() => setEdited(false)} onChange={onChange} />}
      </td>
    </tr>
  );
}

interface EditDialogProps extends DeviceRowProps {
  readonly onClose: () => void;
}

function EditDialog({ device, onClose, onChange }: EditDialogProps) {
  const [name, setName] = useState(device.name);
  const [roles, setRoles] = useState(device.roles.join(', '));
  const save = useAction(
    (client) =>
      ask(client, 'patch', '/api/v1/devices/{id}', {
        path: { id: device.id },
        body: { name, roles: rolesFrom(roles) },
      }),
    () => {
      onChange();
      onClose();
    },
  );
  return (
    <Dialog title={`Edit ${device.name}`} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          save.run();
        }}
      >
        <label>
          <span>name</span>
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <label>
          <span>roles, with commas between them</span>
          <input value={roles} onInput={(event) => setRoles(event.currentTarget.value)} />
        </label>
        <FailureBox failure={save.failure} />
        <footer>
          <button type="submit" disabled={save.isBusy}>
            Save
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

/** @example rolesFrom('owner, guest'); // ['owner', 'guest'] */
export function rolesFrom(text: string): string[] {
  return text
    .split(',')
    .map((role) => role.trim())
    .filter((role) => role !== '');
}
