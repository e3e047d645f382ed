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

// The same for the rooms of channels. `home` is the other half of `session`: ends that come back to where they were born.
const channelRooms = {
  wire: [],
  native: [],
  codec: ['wire'],
  local: ['wire'],
  values: ['codec', 'local'],
  session: ['wire', 'codec', 'local', 'values', 'home'],
  home: ['wire', 'codec', 'local', 'session', 'carriers/memory-pair'],
  auth: ['wire', 'session'],
  resume: ['wire', 'session'],
  descriptors: ['wire', 'native', 'local', 'session', 'carriers/socket/socket-error'],
  carriers: ['wire', 'native', 'local', 'session', 'resume', 'descriptors'],
  helpers: ['local', 'session', 'home'],
  gateway: ['local', 'helpers', 'carriers'],
};

const rooms = Object.entries(channelRooms).map(([name, allowed]) => ({
  name: `rooms-of-channel-${name}`,
  severity: 'error',
  comment: `packages/channel/src/${name} may import only: ${allowed.join(', ') || 'no other room'}`,
  from: { path: `^packages/channel/src/${name}/` },
  to: {
    path: '^packages/channel/src/',
    pathNot: `^packages/channel/src/(${[name, ...allowed, 'types'].join('|')})[/.]`,
  },
}));

module.exports = {
  forbidden: [
    ...arrows,
    ...rooms,
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
