import { setTimeout as delay } from 'node:timers/promises';
import { type BatchHeader, PayloadInvalidError } from '@aico/shared/core/bus';
import { LEVEL_NUMBERS, type Logging, type LogLevel } from '@aico/shared/core/logging';
import { parseTraceparent } from '@aico/shared/core/tracing';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

/** The longest that a full log holds up a client, in milliseconds. Then lines are dropped, and counted. */
const WAIT_MS = 10_000;

/** The body of a message on `logs.<component>`. */
const PeerLine = Type.Object(
  {
    level: Type.Enum(Object.keys(LEVEL_NUMBERS) as LogLevel[]),
    message: Type.String(),
    component: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$' })),
    fields: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    time: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
);

/** The log lines of other processes, on their way from the broker to the log. */
export class PeerLines {
  readonly #logging: Pick<Logging, 'receive' | 'hasService'>;
  readonly #check = Compile(PeerLine);

  constructor(logging: Pick<Logging, 'receive' | 'hasService'>) {
    this.#logging = logging;
  }

  /**
   * Passes a line to the log, under the name of the component that the broker has authenticated as the source of the message.
   *
   * @returns a promise when the client should wait
   * @throws {PayloadInvalidError} when it is not a line, or a service of the backend has the name of the component
   */
  take({ topic, source, traceparent }: BatchHeader, line: unknown): Promise<void> | undefined {
    const refuse = (path: string, message: string): PayloadInvalidError =>
      new PayloadInvalidError(topic, [{ path, message }]);
    const service = source.split('/', 1)[0] ?? source;
    if (this.#logging.hasService(service))
      throw refuse('', `cannot be logged: "${service}" is also the name of a service of the backend`);
    if (!this.#check.Check(line)) {
      const [{ instancePath = '', keyword = '', message = '' } = {}] = this.#check.Errors(line);
      throw refuse(instancePath, keyword === 'boolean' ? 'is not a member of a log line' : message);
    }
    const { level, message, component = 'main', fields = {}, time } = line;
    const traceId = traceparent === undefined ? undefined : parseTraceparent(traceparent)?.traceId;
    const room = this.#logging.receive({
      ...(time !== undefined && { time }),
      level,
      service,
      component,
      message,
      fields,
      ...(traceId === undefined ? {} : { context: { traceId } }),
    });
    return room && Promise.race([room, delay(WAIT_MS, undefined, { ref: false })]);
  }
}
