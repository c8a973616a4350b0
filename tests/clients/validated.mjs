// Live answers against both OpenAPI documents by ajv: 2020-12 for 3.1, and draft 7 with `nullable` for 3.0.
import assert from 'node:assert/strict';
import Ajv from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { authorization, base } from './gateway.mjs';

const CENTS = [0, 1.11, 4.02, 19.99, 136.67, 143.48, 16777217, 9999999999999.99];
const call = async (method, path, body) => {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: authorization, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  return response.status === 204 ? undefined : response.json();
};

for (const [file, Validator] of [['openapi.json', Ajv2020], ['openapi-3.0.json', Ajv]]) {
  const document = await call('GET', `/api/${file}`);
  const ajv = new Validator({ strict: 'log', allErrors: true, formats: { double: true, int32: true } });
  formats.default(ajv);
  // The words of OpenAPI that are none of JSON Schema's.
  ajv.addVocabulary(['example', 'components']);
  ajv.addSchema({ $id: 'https://example.com/openapi', components: { schemas: document.components.schemas } });
  const valid = (name, value) => {
    const check = ajv.getSchema(`https://example.com/openapi#/components/schemas/${name}`);
    assert.ok(check(value), `${file}, ${name}: ${JSON.stringify(check.errors)} of ${JSON.stringify(value)}`);
  };
  const page = await call('GET', '/api/opportunities/?limit=100');
  valid('OpportunityPage', page);
  assert.ok(page.results.length > 10);
  for (const kind of ['Account', 'Contact']) valid(`${kind}Page`, await call('GET', `/api/${kind.toLowerCase()}s/?limit=100`));
  const { accountId } = page.results[0];
  for (const value of CENTS) {
    const body = { name: `Valid ${value}`, accountId, value, closeDate: '2027-02-28' };
    valid('CreateOpportunity', body);
    const made = await call('POST', '/api/opportunities/', body);
    valid('Opportunity', made);
    assert.equal(made.value, value);
    const change = { value: null, closeDate: null };
    valid('UpdateOpportunity', change);
    valid('Opportunity', await call('PATCH', `/api/opportunities/${made.id}/`, change));
    await call('DELETE', `/api/opportunities/${made.id}/`);
  }
  valid('ApiError', await call('POST', '/api/opportunities/', { name: 'No account' }));
}
