import { CircuitError } from '@circuit/base';
import type {
  AnyRequest,
  AtElement,
  LsRequest,
  LsResponse,
  PeekResponse,
  RequestOf,
  ResponseOf,
  ScrubRequest,
  VerbName,
} from '@circuit/protocol';
import type { Element, ElementVerb, Makers, MakeVerb, ServerVerb } from '../elements/element.js';
import { list } from '../namespace/listing.js';
import type { Namespace } from '../namespace/namespace.js';
import type { Call } from './call.js';

/** From a request to the element that serves it. */
export class Verbs {
  readonly #namespace: Namespace;
  readonly #makers: Makers;
  readonly #serverIds: () => readonly string[];

  /** `serverIds` are the servers of the cluster, which a listing of the root shows. */
  constructor(namespace: Namespace, makers: Makers, serverIds: () => readonly string[]) {
    this.#namespace = namespace;
    this.#makers = makers;
    this.#serverIds = serverIds;
  }

  /** The answer to `request`, or a promise of it. Throws, or rejects, with the failure. */
  run(request: AnyRequest, call: Call): unknown {
    switch (request.verb) {
      case 'ls':
        return this.#ls(request.body);
      case 'peek':
        return this.#peek(request.body);
      case 'scrub':
        return this.#scrub(request.body);
      case 'mkproc':
      case 'mkchan':
        return this.#make(request.verb, request.body, call);
      case 'servers':
      case 'env':
      case 'rejoin':
      case 'suicide':
      case 'profile':
      case 'forward':
      case 'ping':
        return operate(this.#namespace.server, request.verb, request.body, call, 'this server');
      case 'wait':
      case 'signal':
      case 'stdin':
      case 'output':
      case 'send':
      case 'recv':
      case 'close':
      case 'stat':
        return this.#operate(request.verb, request.body, call);
    }
  }

  #ls(body: LsRequest): LsResponse {
    return list(this.#namespace, body, this.#serverIds());
  }

  #peek({ path, element }: AtElement): PeekResponse | Promise<PeekResponse> {
    // The root is everywhere, and holds nothing.
    const held = path === '/' ? undefined : this.#namespace.look(path, element);
    if (held === undefined) return { kind: null, element: null, state: null };
    const { kind } = held.element;
    const state = held.element.peek();
    if (!(state instanceof Promise)) return { kind, element: held.number, state };
    return state.then((settled) => ({ kind, element: held.number, state: settled }));
  }

  async #scrub({ path, element, kill = false }: ScrubRequest): Promise<ResponseOf<'scrub'>> {
    const held = this.#namespace.find(path, element);
    const { kind } = held.element;
    if (held.number === 0)
      throw new CircuitError('conflict', `scrub ${path}: a server cannot be scrubbed; suicide ends it`, {
        detail: 'wrong-kind',
      });
    this.#namespace.remove(held);
    await held.element.scrub({ kill });
    return { kind };
  }

  async #make<V extends MakeVerb>(verb: V, body: RequestOf<V>, call: Call): Promise<ResponseOf<V>> {
    const reservation = this.#namespace.reserve(body.path);
    try {
      const made = await this.#makers[verb](body, reservation, call);
      reservation.fill(made.element);
      return made.response;
    } finally {
      reservation.release();
    }
  }

  #operate<V extends ElementVerb>(verb: V, body: RequestOf<V>, call: Call): unknown {
    const { path, element: number } = body;
    const remembered = this.#namespace.remembered(path, number);
    if (remembered !== undefined) {
      if (verb === 'stat') return operate(remembered, verb, body, call, path);
      throw new CircuitError('aborted', `${verb} ${path}: the ${remembered.kind} was scrubbed`);
    }
    return operate(this.#namespace.find(path, number).element, verb, body, call, path);
  }
}

function operate<V extends ElementVerb | ServerVerb>(
  element: Element,
  verb: V,
  body: RequestOf<V>,
  call: Call,
  where: string,
): unknown {
  const operation = element.operations[verb];
  if (operation === undefined) throw wrongKind(verb, element.kind, where);
  return operation(body, call);
}

function wrongKind(verb: VerbName, kind: string, where: string): CircuitError {
  return new CircuitError('conflict', `${verb} ${where}: not on a ${kind}`, { detail: 'wrong-kind' });
}
