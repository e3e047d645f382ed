import type { Port } from '@circuit/channel/message-port';
import { MessagePortCarrier } from '../../../src/carriers/message-port/message-port-carrier.js';
import { spliceCarriers } from '../../support/splice-carriers.js';

/** A web worker that joins the two ports of each message: a wire that runs through its thread. */
addEventListener('message', (event) => {
  const [one, other] = (event as unknown as { readonly data: { readonly join: [Port, Port] } }).data.join;
  const peer = { carrier: 'message-port', address: 'page' };
  spliceCarriers(new MessagePortCarrier(one, peer), new MessagePortCarrier(other, peer));
});

declare function addEventListener(type: string, listener: (event: object) => void): void;
