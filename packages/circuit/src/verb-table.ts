import type { VerbEntries } from './verb.js';

/** Every verb, in the order of the help. */
export const verbTable: VerbEntries = {
  start: { summary: 'start a server on this host', load: async () => (await import('./verbs/start.js')).start },
  dev: { summary: 'a throw-away cluster on this machine', load: async () => (await import('./verbs/dev.js')).dev },
  keygen: { summary: 'print a new random key', load: async () => (await import('./verbs/keygen.js')).keygen },
  ls: { summary: 'list anchors', load: async () => (await import('./verbs/ls.js')).ls },
  peek: { summary: 'print the state of an element', load: async () => (await import('./verbs/peek.js')).peek },
  scrub: { summary: 'remove an element', load: async () => (await import('./verbs/scrub.js')).scrub },
  mkproc: { summary: 'start a process', load: async () => (await import('./verbs/mkproc.js')).mkproc },
  mkchan: { summary: 'make a channel', load: async () => (await import('./verbs/mkchan.js')).mkchan },
  send: { summary: 'send standard input as one message', load: async () => (await import('./verbs/send.js')).send },
  recv: { summary: 'receive one message', load: async () => (await import('./verbs/recv.js')).recv },
  close: { summary: 'close a channel', load: async () => (await import('./verbs/close.js')).close },
  stdin: { summary: 'feed a process', load: async () => (await import('./verbs/stdin.js')).stdin },
  stdout: { summary: 'print what a process writes', load: async () => (await import('./verbs/output.js')).stdout },
  stderr: { summary: 'print what it writes as errors', load: async () => (await import('./verbs/output.js')).stderr },
  signal: { summary: 'send a signal to a process', load: async () => (await import('./verbs/signal.js')).signal },
  wait: { summary: 'wait for the end of a process', load: async () => (await import('./verbs/wait.js')).wait },
  waitall: { summary: 'wait for many processes', load: async () => (await import('./verbs/waitall.js')).waitall },
  run: { summary: 'run a command from start to end', load: async () => (await import('./verbs/run.js')).run },
  forward: {
    summary: 'reach a port that a server can reach',
    load: async () => (await import('./verbs/forward.js')).forward,
  },
  join: { summary: 'merge two clusters', load: async () => (await import('./verbs/join.js')).join },
  suicide: { summary: 'end a server', load: async () => (await import('./verbs/suicide.js')).suicide },
  help: { summary: 'explain a verb', load: async () => (await import('./verbs/help.js')).help },
};
