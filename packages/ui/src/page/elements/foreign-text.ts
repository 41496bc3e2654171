import { printable } from '@aico/protocol';
import { options } from 'preact';

/** More of one text is not shown: laying out a megabyte takes seconds. */
const LONGEST = 20_000;

/** Attributes that are shown to the user. */
const SHOWN = ['title', 'aria-label', 'placeholder', 'alt'] as const;

/**
 * Has every text that is rendered shown with its control and direction characters as escapes, as the command line does. This
 * happens in one place for all components, where Preact makes the node of a text, since each text may come from a peer: the name
 * of a device, a message, a log line.
 */
export function escapeAllText(): void {
  options.vnode = (vnode) => {
    const { props, type }: { props: unknown; type: unknown } = vnode;
    // The properties of a text node are its text.
    if (typeof props === 'string') Reflect.set(vnode, 'props', escaped(props));
    else if (typeof type === 'string' && typeof props === 'object' && props !== null)
      for (const name of SHOWN) {
        const value: unknown = Reflect.get(props, name);
        if (typeof value === 'string') Reflect.set(props, name, escaped(value));
      }
  };
}

/** The text as it is shown. */
export function escaped(text: string): string {
  if (text.length <= LONGEST) return printable(text, { lines: true });
  const left = (text.length - LONGEST).toLocaleString('en');
  return `${printable(text.slice(0, LONGEST), { lines: true })}… (${left} more characters)`;
}
