import { type Client, connectPage } from '@aico/client/page';

/** The result of opening the page: a client, or the reason why there is none. */
export type Session =
  | { readonly state: 'open'; readonly client: Client }
  | { readonly state: 'refused'; readonly reason: string; readonly hint: string };

/** Kept for this tab alone, so that reloading the page does not need another address. */
const KEPT = 'aico-token';

const NO_ADDRESS = {
  state: 'refused',
  reason: 'This address has no valid ticket.',
  hint: 'Run `aico ui` again, and open the address that it prints.',
} as const;

/**
 * Exchanges the ticket in the address for a token, or takes the token that the tab has kept. The ticket is removed from the
 * address and from the history.
 */
export async function openSession(): Promise<Session> {
  const ticket = /^#([\w-]{43})$/.exec(location.hash)?.[1];
  if (ticket !== undefined) {
    history.replaceState(null, '', '#/now');
    const response = await fetch('/session', {
      method: 'POST',
      headers: { authorization: `Bearer ${ticket}` },
      credentials: 'omit',
    });
    const reply: unknown = await response.json();
    if (!response.ok) return { ...NO_ADDRESS, reason: textOf(reply, 'detail') ?? NO_ADDRESS.reason };
    sessionStorage.setItem(KEPT, textOf(reply, 'token') ?? '');
  }
  const token = sessionStorage.getItem(KEPT);
  return token === null ? NO_ADDRESS : { state: 'open', client: connectPage({ token }) };
}

function textOf(reply: unknown, name: string): string | undefined {
  const value: unknown = typeof reply === 'object' && reply !== null ? Reflect.get(reply, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}
