import type { Client } from '@aico/client/page';
import { useState } from 'preact/hooks';
import { useClient } from './client-context.ts';
import { type Failure, failureOf } from './failure.ts';

/** A change of the backend that the user asks for. */
export interface Action<Arguments extends readonly unknown[]> {
  readonly isBusy: boolean;
  readonly failure: Failure | undefined;
  run(...args: Arguments): void;
}

/** @param onDone is called with the result of a change that succeeded */
export function useAction<T, Arguments extends readonly unknown[]>(
  change: (client: Client, ...args: Arguments) => Promise<T>,
  onDone: (result: T) => void = () => {},
): Action<Arguments> {
  const client = useClient();
  const [state, setState] = useState<{ isBusy: boolean; failure?: Failure }>({ isBusy: false });
  const doIt = async (args: Arguments): Promise<void> => {
    setState({ isBusy: true });
    try {
      const result = await change(client, ...args);
      setState({ isBusy: false });
      onDone(result);
    } catch (error) {
      setState({ isBusy: false, failure: failureOf(error) });
    }
  };
  return {
    isBusy: state.isBusy,
    failure: state.failure,
    run: (...args) => {
      if (!state.isBusy) void doIt(args);
    },
  };
}
