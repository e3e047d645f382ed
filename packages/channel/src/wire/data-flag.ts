/** The flags of a DATA frame, to be imported as `dataFlag`. */

/** More pieces of this message follow. */
export const more = 0x01;
/** References stand in front of the body. */
export const refs = 0x02;
/** The first reference is the return channel. */
export const ret = 0x04;
/** The sender wants to hear when the message is taken. */
export const ack = 0x08;
