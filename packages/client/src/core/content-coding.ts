/** Content codings of RFC 9110, section 8.4.1, by the names that `DecompressionStream` has for them. */
const FORMATS: Readonly<Record<string, string>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'brotli',
};

/** The value of `accept-encoding`: the codings that this platform decodes. */
export function acceptedCodings(): string {
  return ['gzip', 'deflate', 'br'].filter(isDecodable).join(', ');
}

/**
 * Decodes the content codings of a body, in the same order as `fetch`. A body with an unsupported coding is left as it is.
 *
 * @param encoding the value of `content-encoding`
 */
export function decoded(
  body: ReadableStream<Uint8Array>,
  encoding: string | null,
): ReadableStream<Uint8Array> {
  const codings = (encoding ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (!codings.every(isDecodable)) return body;
  return codings.toReversed().reduce(decodedOnce, body);
}

/** A body without bytes is empty in every coding. */
function decodedOnce(body: ReadableStream<Uint8Array>, coding: string): ReadableStream<Uint8Array> {
  const encoded = body.getReader();
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        reader ??= await decodingReader(encoded, coding);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => (reader ?? encoded).cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

async function decodingReader(
  encoded: ReadableStreamDefaultReader<Uint8Array>,
  coding: string,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  let first = await encoded.read();
  while (!first.done && first.value.byteLength === 0) first = await encoded.read();
  if (first.done) return encoded;
  const isRaw = coding === 'deflate' && !hasZlibHeader(first.value);
  const decoder = decoderOf(isRaw ? 'deflate-raw' : (FORMATS[coding] ?? coding));
  let isFirst = true;
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        const { done, value } = isFirst ? first : await encoded.read();
        isFirst = false;
        if (done) controller.close();
        // Web streams are typed for unshared memory, which these bytes are in.
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      },
      cancel: (reason) => encoded.cancel(reason),
    },
    { highWaterMark: 0 },
  );
  return whole.pipeThrough(decoder).getReader();
}

/** `deflate` means the zlib format (RFC 9110, section 8.4.1.2), but many servers send raw deflate data under that name. */
function hasZlibHeader(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0x0f) === 8;
}

/** Whether the platform decodes a coding. Found out once, by constructing a stream. */
const decodable = new Map<string, boolean>();

function isDecodable(coding: string): boolean {
  const format = FORMATS[coding];
  if (format === undefined) return false;
  let is = decodable.get(coding);
  if (is === undefined) {
    try {
      decoderOf(format);
      is = true;
    } catch {
      is = false;
    }
    decodable.set(coding, is);
  }
  return is;
}

/** @throws {TypeError} for a format that the platform does not support, for example `brotli` */
function decoderOf(format: string): DecompressionStream {
  return new DecompressionStream(format as ConstructorParameters<typeof DecompressionStream>[0]);
}
