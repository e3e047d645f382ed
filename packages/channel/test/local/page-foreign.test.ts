import { expect, test } from 'vitest';
import { nodeReader, nodeWriter } from '../../src/local/page-foreign.js';

test('a page that is given a stream of Node says what it carries instead', () => {
  for (const refuse of [nodeReader, nodeWriter]) {
    expect(refuse).toThrow(
      expect.objectContaining({ code: 'unsupported', message: 'a page carries no streams of Node' }),
    );
  }
});
