import type { ByteReader, Sender, Session } from '@circuit/channel';

/** A question: numbers to add, a stream whose bytes are counted, and where to tell of progress. */
interface Question {
  readonly numbers: readonly number[];
  readonly input: ByteReader;
  readonly progress: Sender<string>;
}

/** Answers each question of each channel of a session; the listening half of the program that runs over every carrier. */
export async function answerAll(session: Session): Promise<void> {
  try {
    for (;;) {
      const { receiver } = await session.accept();
      for (;;) {
        const message = await receiver.receive();
        if (message.done) break;
        const { numbers, input, progress } = message.value as Question;
        await progress.send('begun');
        let bytes = 0;
        for await (const chunk of input) bytes += chunk.length;
        await progress.send('read');
        progress.close();
        await message.ret.send({ sum: numbers.reduce((sum, number) => sum + number, 0), bytes });
        message.ret.close();
      }
    }
  } catch {
    await session.closed;
  }
}
