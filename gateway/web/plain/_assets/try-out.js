// What “Try it out” starts with: records that are there, and no parameter that nobody asked for.
import { at, demo } from './session.js';

const EXAMPLE_ID = /\b(opp|acc|usr|cnt)_[0-9A-Z]{26}\b/g;
const READS = ['get'];
const WRITES = ['post', 'patch', 'put'];
const METHODS = [...READS, ...WRITES, 'delete'];
/** The first body of an update: a click too many closes no deal. */
const HARMLESS = { 'Change the name': { value: { name: 'Renamed while trying it out' } } };

const sentence = (text = '') => (!text || /[.!?]\s*$/.test(text) ? text : `${text}.`);

/** Swagger UI fills in whatever has an example; of what may be left out, the example belongs in the words. */
const unfilled = (parameter) => {
  if (parameter.required || parameter.example === undefined) return parameter;
  const { example, description, ...rest } = parameter;
  return { ...rest, description: `${sentence(description)} For example \`${[example].flat().join(',')}\`.`.trim() };
};

/** The n-th example of a kind becomes the n-th record of that kind. Not so where one would be removed by a click too many. */
const withRecords = (part, records) => {
  if (!part) return part;
  const text = JSON.stringify(part);
  const examples = [...new Set(text.match(EXAMPLE_ID))];
  const place = (id) => examples.filter((other) => other.slice(0, 3) === id.slice(0, 3)).indexOf(id);
  return JSON.parse(text.replace(EXAMPLE_ID, (id) => records[id.slice(0, 3)]?.[place(id)] ?? id));
};

const harmless = (body) => {
  const json = body?.content?.['application/json'];
  if (!json?.examples) return body;
  return { ...body, content: { ...body.content, 'application/json': { ...json, examples: { ...HARMLESS, ...json.examples } } } };
};

/** Writes get records of the demo only: elsewhere a click would change somebody's deal. */
const fillable = (method) => READS.includes(method) || (demo && WRITES.includes(method));

const prepared = (operation, method, records) => {
  if (!METHODS.includes(method)) return operation;
  const parameters = operation.parameters?.map(unfilled);
  const requestBody = method === 'patch' ? harmless(operation.requestBody) : operation.requestBody;
  if (!fillable(method)) return { ...operation, parameters, requestBody };
  return { ...operation, parameters: withRecords(parameters, records), requestBody: withRecords(requestBody, records) };
};

const mapped = (object, make) => Object.fromEntries(Object.entries(object).map(([key, value]) => [key, make(value, key)]));

/** Without the members that are undefined: to Swagger UI they are faults. */
const plain = (value) => JSON.parse(JSON.stringify(value));

/** The OpenAPI document, with `records` ({opp: [id, …], …}) in its requests' examples, for the gateway that this page is from. */
export const tryable = (document, records) => {
  if (!document.paths) return document;
  const { parameters = {}, ...components } = document.components ?? {};
  return plain({
    ...document,
    servers: [{ url: at('').replace(/\/$/, '') }],
    paths: mapped(document.paths, (path) => mapped(path, (operation, method) => prepared(operation, method, records))),
    components: { ...components, parameters: mapped(parameters, unfilled) },
  });
};
