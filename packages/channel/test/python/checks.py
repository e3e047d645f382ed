"""Talks to the listener of python.test.ts with every kind of frame that a client can say or hear; prints what went wrong and fails."""
import sys
from os.path import dirname

sys.path.insert(0, f'{dirname(__file__)}/../../../../examples/python')
from circuit_channel import *

def check(name, seen, wanted):
    if seen != wanted: sys.exit(f'{name}: {seen!r:.200}, want {wanted!r:.200}')
def code(call):
    try: return call()
    except ChannelError as error: return error.args[0]

session = dial(sys.argv[1])
echo = session.open('echo')
values = [None, True, False, 0, 1, 31, 127, 128, -1, -32, -33, 65_535, -70_000, 1 << 40, -(1 << 53) + 1, 1 << 80, 0.5, '', 'grüße', 'x' * 40, 'y' * 300,
          b'', b'\x00\xff' * 200, [], list(range(20)), [None] * 70_000, {}, {'a': {'b': [1, {'c': None}]}}, {f'k{i}': i for i in range(300)}]
for value in values: check('echo', echo.send(value, returns=True).receive().value, value)
check('echo of Date', echo.send(Tagged(4, 1234), returns=True).receive().value, Tagged(4, 1234))

large = 'z' * 5_000_000                               # beyond both windows
check('large', echo.send(large, returns=True).receive().value, large)
check('too large', code(lambda: echo.send('z' * (17 << 20))), 'too-large')

flood = session.open('flood').send(5000, returns=True)
check('flood', sum(len(flood.receive().value) for _ in range(5000)), 5000 * 1000)
check('end of flood', flood.receive(), None)

inward, outward, both = Give(kind=WRITER), Give(kind=READER), Give(kind=DUPLEX)
session.open('streams').send({'in': inward, 'out': outward, 'both': both})
got = 0
for round in range(1, 31):                            # 3 MB, thrice the window, never more than 100 kB unread
    outward.end.send(b'o' * 100_000)
    while got < round * 100_000: got += len(inward.end.receive())
outward.end.close()
check('stream', (got, inward.end.receive()), (3_000_000, None))
both.end.send(b'ping')
both.end.close()
check('duplex', b''.join(iter(both.end.receive, None)), b'ping')

calls = Give(kind=SENDER)
session.open('call me').send(calls)
value, ret = calls.end.receive()
ret.send(value + 1)
ret.close()
check('acknowledged', calls.end.receive().value, 'taken')
check('end of calls', calls.end.receive(), None)

check('abort', code(session.open('abort').send(0, returns=True).receive), 'aborted')
refused = session.open('cancel')
check('cancel', code(lambda: [refused.send('x' * 60_000) for _ in range(1000)]), 'denied')
given = Give(kind=RECEIVER)
unread = session.open('unread')
unread.send(given)
unread.abort('aborted', 'no longer')
check('undelivered', code(lambda: [given.end.send('x' * 60_000) for _ in range(1000)]), 'undelivered')

target, opened = session.accept()
check('accept', (target, opened.receive().value, opened.receive()), ('hello', 'from the listener', None))
for end in list(session.ends.values()): end.close()
session.wait(lambda: not session.ends)                # every last word has been said on both sides
session.close()
