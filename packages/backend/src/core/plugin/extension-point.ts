/** A place in a plugin that other plugins extend, each with a value of type `T`. */
export interface ExtensionPoint<T = unknown> {
  readonly name: string;
  /** Whether a plugin that fills it also starts if no plugin offers it. */
  readonly isOptional: boolean;
  /** The same point, for a plugin that also works if no plugin offers it. */
  readonly optional: ExtensionPoint<T>;
  /** Carries the type only; has no value. */
  readonly extensionType?: T;
}

/**
 * Declares an extension point. The plugin that offers it exports it and lists it in `offers`.
 *
 * @param name begins with the name of the plugin that offers it, and a dot
 * @example
 * ```ts
 * export const filters = extensionPoint<(mail: Mail) => boolean>('inbox.filters');
 * ```
 */
export function extensionPoint<T>(name: string): ExtensionPoint<T> {
  const optional = {
    name,
    isOptional: true,
    get optional() {
      return optional;
    },
  };
  return { name, isOptional: false, optional };
}
