/** What a reference in a message stands for, to be imported as `refKind`. */

/** Who gets the message gets a sender. */
export const sender = 1;
export const receiver = 2;
/** Who gets the message writes bytes. */
export const writer = 3;
/** Who gets the message reads bytes. */
export const reader = 4;
export const duplex = 5;
/** An open file, pipe or socket that comes on the lane. */
export const descriptor = 6;
