import { useEffect, useState } from 'preact/hooks';

/** Whether the page is visible. A page that is not sends no requests, so that it costs nothing and `aico ui` may end. */
export function useVisible(): boolean {
  const [isVisible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const update = (): void => setVisible(!document.hidden);
    document.addEventListener('visibilitychange', update);
    return () => document.removeEventListener('visibilitychange', update);
  }, []);
  return isVisible;
}
