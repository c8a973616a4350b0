// What “Try it out” starts with: records that are there, and no parameter that nobody asked for.
const EXAMPLE_ID = /\b(opp|acc|usr|cnt)_[0-9A-Z]{26}\b/g;
const METHODS = ['get', 'post', 'patch', 'put'];

/** Swagger UI fills in whatever has an example; of what may be left out, the example belongs in the words. */
const unfilled = (parameter) => {
  if (parameter.required || parameter.example === undefined) return parameter;
  const { example, description, ...rest } = parameter;
  return { ...rest, description: `${description} For example \`${[example].flat().join(',')}\`.` };
};

/** The n-th example of a kind becomes the n-th record of that kind. Not so where one would be removed by a click too many. */
const withRecords = (part, records) => {
  if (!part) return part;
  const text = JSON.stringify(part);
  const examples = [...new Set(text.match(EXAMPLE_ID))];
  const place = (id) => examples.filter((other) => other.slice(0, 3) === id.slice(0, 3)).indexOf(id);
  return JSON.parse(text.replace(EXAMPLE_ID, (id) => records[id.slice(0, 3)]?.[place(id)] ?? id));
};

const prepared = (operation, method, records) => {
  const parameters = operation.parameters?.map(unfilled);
  if (!METHODS.includes(method)) return { ...operation, parameters };
  return { ...operation, parameters: withRecords(parameters, records), requestBody: withRecords(operation.requestBody, records) };
};

const mapped = (object, make) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, make(value, key)]));

/** Without the members that are undefined: to Swagger UI they are faults. */
const plain = (value) => JSON.parse(JSON.stringify(value));

/** The OpenAPI document, with `records` ({opp: [id, …], …}) in its requests' examples. */
export const tryable = (document, records) => {
  if (!document.paths) return document;
  const { parameters = {}, ...components } = document.components ?? {};
  return plain({
    ...document,
    paths: mapped(document.paths, (path) => mapped(path, (operation, method) => prepared(operation, method, records))),
    components: { ...components, parameters: mapped(parameters, unfilled) },
  });
};
