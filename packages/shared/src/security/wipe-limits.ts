/** The limits of wiping keys with `lock()`, as text for the user. */
export const WIPE_LIMITS = [
  'The root key is overwritten; it lay in memory that is locked against swapping, left out of core dumps and closed between uses.',
  'Database and purpose keys are overwritten by the parts that hold them when those stop.',
  'Out of reach: a password or recovery code that was typed is a string, and copies of keys that passed through JavaScript may stay until the garbage collector uses their memory again.',
  'Memory that was swapped out, hibernated or dumped while unlocked is not cleaned: encrypt the swap, or switch it off.',
].join(' ');
