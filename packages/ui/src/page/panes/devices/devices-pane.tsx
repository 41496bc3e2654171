import { ask } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useLoading } from '../../backend/loading.ts';
import { Loaded } from '../../elements/loaded.tsx';
import { DeviceRow } from './device-row.tsx';
import { PairDialog } from './pair-dialog.tsx';

const EVERY_MS = 2_000;

/** The paired devices, and the pairing of a new one. */
export function DevicesPane() {
  const devices = useLoading((client) => ask(client, 'get', '/api/v1/devices', {}), 'devices', EVERY_MS);
  const [isPairing, setPairing] = useState(false);
  const close = (): void => {
    setPairing(false);
    devices.refresh();
  };
  return (
    <>
      <p>
        <button type="button" onClick={() => setPairing(true)}>
          Pair a device
        </button>
      </p>
      {isPairing && <PairDialog known={devices.value?.devices ?? []} onClose={close} />}
      <Loaded of={devices}>
        {({ devices: all }) =>
          all.length === 0 ? (
            <p class="quiet">No device is paired.</p>
          ) : (
            <table>
              <thead>
                <tr>
                  <th>name</th>
                  <th>roles</th>
                  <th>seen</th>
                  <th>paired</th>
                  <th>fingerprint</th>
                  <th>
                    <span class="unseen">actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {all.map((device) => (
                  <DeviceRow key={device.id} device={device} onChange={devices.refresh} />
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
    </>
  );
}
