// The arrows of the house: which package may import which. Everything that is not listed is forbidden.
const may = {
  base: [],
  keys: ['base'],
  channel: ['base'],
  keeper: ['base'],
  protocol: ['base'],
  testkit: ['base'],
  membership: ['base', 'keys', 'channel'],
  client: ['base', 'channel', 'protocol'],
  daemon: ['base', 'keys', 'channel', 'membership', 'protocol', 'keeper'],
  circuit: ['base', 'keys', 'channel', 'protocol', 'client', 'daemon'],
};

const arrows = Object.entries(may).map(([name, allowed]) => ({
  name: `arrows-of-${name}`,
  severity: 'error',
  comment: `packages/${name}/src may import only: ${allowed.join(', ') || 'no other package'}`,
  from: { path: `^packages/${name}/src/`, ...(name === 'client' ? { pathNot: '^packages/client/src/node/' } : {}) },
  to: { path: '^packages/', pathNot: `^packages/(${[name, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...arrows,
    {
      name: 'arrows-of-client-node',
      severity: 'error',
      from: { path: '^packages/client/src/node/' },
      to: { path: '^packages/', pathNot: '^packages/(client|base|channel|protocol|keys)/' },
    },
    {
      name: 'daemon-sees-only-the-keeper-client',
      severity: 'error',
      from: { path: '^packages/daemon/src/' },
      to: { path: '^packages/keeper/', pathNot: '^packages/keeper/(src|dist)/client/' },
    },
    {
      name: 'browser-safe-core',
      severity: 'error',
      comment: 'The channel core, base, protocol and the client core run in browsers; pages have a stand-in for home.',
      from: {
        path: '^packages/(base|protocol|channel|client)/src/',
        pathNot:
          '^packages/(base/src/node|channel/src/carriers|channel/src/descriptors|channel/src/gateway|channel/src/home|channel/src/native|client/src/node)/',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'browser-safe-core-leaves-the-rest-of-base',
      severity: 'error',
      from: {
        path: '^packages/(base|protocol|channel|client)/src/',
        pathNot:
          '^packages/(base/src/node|channel/src/carriers|channel/src/descriptors|channel/src/gateway|channel/src/home|channel/src/native|client/src/node)/',
      },
      to: { path: '^packages/base/(src|dist)/node/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'tests-stay-outside',
      severity: 'error',
      from: { path: '^packages/[^/]+/src/', pathNot: '^packages/testkit/' },
      to: { path: '(^packages/testkit/|/test/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules|/dist/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      conditionNames: ['@circuit/source', 'import', 'default', 'types'],
      exportsFields: ['exports'],
    },
    tsConfig: { fileName: 'tsconfig.base.json' },
  },
};
