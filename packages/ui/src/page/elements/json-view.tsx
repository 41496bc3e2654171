/** A value as indented JSON. */
export function JsonView({ value }: { readonly value: unknown }) {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? 'undefined');
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it may scroll, which needs the focus to be done by keyboard.
    <pre class="json" tabIndex={0}>
      {text}
    </pre>
  );
}
