/**
 * A page that shows `/api/v1/openapi`: one self-contained file. It creates text nodes only, so that no name or description in a
 * schema can become markup.
 */
export const OPENAPI_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AICO API</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
  details { border-top: 1px solid #8884; padding: .3rem 0; }
  summary { cursor: pointer; font-family: ui-monospace, monospace; }
  summary b { display: inline-block; width: 5rem; }
  summary i { float: right; opacity: .7; font-style: normal; }
  pre { background: #8881; padding: .7rem; overflow: auto; }
</style>
<h1>AICO API</h1>
<p id="about"></p>
<main></main>
<script>
  const element = (name, text, ...children) => {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    made.append(...children);
    return made;
  };
  fetch('/api/v1/openapi').then((reply) => reply.json()).then(({ info, tags, paths }) => {
    document.querySelector('#about').textContent = info.description + ' Version ' + info.version + '.';
    for (const { name } of tags) {
      const section = element('section', '', element('h2', name));
      for (const [path, methods] of Object.entries(paths))
        for (const [method, operation] of Object.entries(methods)) {
          if (operation.tags[0] !== name) continue;
          const { parameters, requestBody, responses } = operation;
          section.append(element('details', '',
            element('summary', '', element('b', method.toUpperCase()), path, element('i', operation['x-aico-access'])),
            element('pre', JSON.stringify({ parameters, requestBody, responses }, null, 2))));
        }
      document.querySelector('main').append(section);
    }
  });
</script>
</html>
`;

/** The content security policy of the page, which may only show itself and fetch the document. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'";
