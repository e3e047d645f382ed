/** The types of frames, to be imported as `frameType`: bundlers put constants in their places, and fields of an object they do not. */

export const hello = 0x01;
export const open = 0x02;
export const data = 0x03;
export const bytes = 0x04;
export const credit = 0x05;
export const close = 0x06;
export const abort = 0x07;
export const cancel = 0x08;
export const done = 0x09;
export const drop = 0x0a;
export const ack = 0x0b;
export const ping = 0x0c;
export const pong = 0x0d;
export const goaway = 0x0e;
export const auth = 0x10;
export const proof = 0x11;
/** Who does not know it ignores it. */
export const home = 0x81;
