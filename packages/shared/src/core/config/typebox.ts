/** The run-time exports of TypeBox that the packages use. The packed packages share this copy: scripts/pack/bundle.ts. */
export { Type } from 'typebox';
export { Compile, Validator } from 'typebox/compile';
export { Check, Errors, Value } from 'typebox/value';
