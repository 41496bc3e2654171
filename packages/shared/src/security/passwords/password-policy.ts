import { PasswordRefusedError } from '../errors.ts';

const SHORTEST = 8;
const LONGEST = 1024;
/** The guesses that a password must withstand, as a power of ten: at half a second each, 150 years of one machine. */
const LEAST_LOG10_GUESSES = 10;
/** Words that an attacker of this program tries first. */
const NEAR_AT_HAND = ['aico', 'companion', 'diary', 'backend'];

interface Estimate {
  readonly guessesLog10: number;
  readonly feedback: { readonly warning: string | null; readonly suggestions: readonly string[] };
}
type Estimator = (password: string) => Estimate;
let estimator: Promise<Estimator> | undefined;

/**
 * Refuses a weak password. The same password always gets the same answer.
 * @throws {PasswordRefusedError} with the reason and a suggestion
 */
export async function refuseGuessablePassword(password: string): Promise<void> {
  const normal = password.normalize('NFKC');
  const length = [...normal].length;
  if (length < SHORTEST)
    throw new PasswordRefusedError(`it has ${length} characters, and the fewest are ${SHORTEST}`);
  if (length > LONGEST)
    throw new PasswordRefusedError(`it has ${length} characters, and the most are ${LONGEST}`);
  if (new Set(normal).size < 3) throw new PasswordRefusedError('it repeats the same one or two characters');
  estimator ??= loadEstimator();
  const { guessesLog10, feedback } = (await estimator)(normal);
  if (guessesLog10 >= LEAST_LOG10_GUESSES) return;
  const guesses = `about ${inWords(guessesLog10)} guesses find it`;
  throw new PasswordRefusedError(
    feedback.warning ? `${guesses}. ${feedback.warning.replace(/\.$/, '')}` : guesses,
    feedback.suggestions.join(' '),
  );
}

/** Loaded when a password is first checked: the dictionaries take megabytes, and a start does not need them. */
async function loadEstimator(): Promise<Estimator> {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]);
  const zxcvbn = new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  });
  return (password) => zxcvbn.check(password, NEAR_AT_HAND);
}

function inWords(log10: number): string {
  if (log10 < 3) return 'a few hundred';
  if (log10 < 6) return 'thousands of';
  return log10 < 9 ? 'millions of' : 'billions of';
}
