/** What a page has in place of `busy-poll.ts`: it always sleeps. */
export class BusyPoll {
  wrote(): void {}

  arrived(): void {}
}
