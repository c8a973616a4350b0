// The schema is what the server tells of itself.
const { GATEWAY_URL: url, GATEWAY_TOKEN: token } = process.env;

export default {
  schema: [{ [`${url}/graphql`]: { headers: { Authorization: `Bearer ${token}` } } }],
  documents: ['./client.ts'],
  importExtension: '.js',
  emitLegacyCommonJSImports: false,
  generates: {
    './gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        strictScalars: true,
        scalars: { Date: 'string', DateTime: 'string', Money: { input: 'number | string', output: 'number' } },
      },
    },
  },
};
