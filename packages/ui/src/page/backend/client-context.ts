import type { Client } from '@aico/client/page';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** The client of the page, for all components. */
export const ClientContext = createContext<Client | undefined>(undefined);

export function useClient(): Client {
  const client = useContext(ClientContext);
  if (client === undefined) throw new TypeError('the component is outside of the page');
  return client;
}
