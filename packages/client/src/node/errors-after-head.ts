import type { Dispatcher } from 'undici';

/**
 * An interceptor for undici that reports an error one turn of the event loop after it occurred. `fetch` of undici receives the
 * head of a response through a promise; an error that is reported before the code behind that promise has run is lost, and
 * the body of the response then never ends.
 *
 * @param onError receives the error of each request as well
 */
export function errorsAfterHead(
  onError: (error: Error) => void = () => {},
): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onRequestUpgrade: (...upgraded) => handler.onRequestUpgrade?.(...upgraded),
      onResponseStarted: () => handler.onResponseStarted?.(),
      onResponseStart: (...head) => handler.onResponseStart?.(...head),
      onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => {
        onError(error);
        setImmediate(() => handler.onResponseError?.(controller, error));
      },
    });
}
