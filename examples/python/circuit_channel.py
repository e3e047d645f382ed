"""Channels in Python's standard library alone: docs/protocol.md without the codec json, on TCP and Unix sockets.

    session = dial('tcp://127.0.0.1:4600')            # or unix:/run/x.sock
    answers = session.open('jobs').send({'job': 1}, returns=True)
    value, ret = answers.receive()                    # None at the end; ends inside a value are End objects
It reads, and so answers a PING, only while one of its methods waits."""
import socket, struct
from collections import deque, namedtuple
from types import SimpleNamespace

HELLO, OPEN, DATA, BYTES, CREDIT, CLOSE, ABORT, CANCEL, DONE, DROP, ACK, PING, PONG, GOAWAY = range(1, 15)
(MORE, REFS, RETURN, WANTS_ACK), (SENDER, RECEIVER, WRITER, READER, DUPLEX) = (1, 2, 4, 8), range(1, 6)
ROLES = {SENDER: (1, 0, 0), RECEIVER: (0, 1, 0), WRITER: (1, 0, 1), READER: (0, 1, 1), DUPLEX: (1, 1, 1)}  # sends, receives, raw
WINDOW, PIECE, MAX_MESSAGE, MAX_FRAME, MAX_CHANNELS = 1 << 20, 65_536, 16 << 20, 73_728, 1024
Tagged = namedtuple('Tagged', 'tag body')             # a value that Python has no word for, such as a Date
Message = namedtuple('Message', 'value ret')
class ChannelError(Exception): """A channel or session that did not end well: (code of docs/errors.md, message)."""
class Give(SimpleNamespace): """Give(kind=…) in a value to send: the peer gets that end, and `end` is what stays here once it is sent."""
def varint(n): return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)
def text(s): return varint(len(s.encode())) + s.encode()
def reason(code, message): return text(code) + text(message[:256]) + text('')
class Cursor:
    def __init__(self, data): self.data, self.at = data, 0
    def take(self, n):
        if n > len(self.data) - self.at: raise ValueError(f'{n} bytes wanted, {len(self.data) - self.at} there')
        self.at += n
        return self.data[self.at - n:self.at]
    def rest(self): return self.take(len(self.data) - self.at)
    def u8(self): return self.take(1)[0]
    def text(self): return str(self.take(self.varint()), 'utf-8')
    def varint(self):
        n = shift = 0
        while (byte := self.u8()) > 127 and shift < 49: n, shift = n | (byte & 127) << shift, shift + 7
        n |= byte << shift
        if n >= 1 << 53 or len(varint(n)) != shift // 7 + 1: raise ValueError('malformed varint')
        return n
def pack(v, gives):                                   # MessagePack, always in the widest form
    def wide(mark, n, rest): return bytes([mark]) + n.to_bytes(4, 'big') + rest
    def every(items): return b''.join(pack(item, gives) for item in items)
    if v is None or v is False or v is True: return {None: b'\xc0', False: b'\xc2', True: b'\xc3'}[v]
    if isinstance(v, int): return b'\xd3' + struct.pack('>q', v) if abs(v) < 1 << 53 else pack(Tagged(3, str(v)), gives)
    if isinstance(v, float): return b'\xcb' + struct.pack('>d', v)
    if isinstance(v, str): return wide(0xdb, len(v.encode()), v.encode())
    if isinstance(v, bytes): return wide(0xc6, len(v), v)
    if isinstance(v, list): return wide(0xdd, len(v), every(v))
    if isinstance(v, dict): return wide(0xdf, len(v), every(part for pair in v.items() for part in pair))
    if isinstance(v, Tagged): return wide(0xc9, len(body := pack(v.body, gives)), bytes([v.tag]) + body)
    if isinstance(v, Give): return gives.append(v) or pack(Tagged(0, len(gives) - 1), gives)
    raise TypeError(f'a message cannot carry {type(v).__name__}')
def unpack(c, refs):
    def sized(width): return int.from_bytes(c.take(width), 'big')
    def array(n): return [unpack(c, refs) for _ in range(n)]
    def pairs(n): return {unpack(c, refs): unpack(c, refs) for _ in range(n)}
    def tagged(n):
        tag, end, body = c.u8(), c.at + n, unpack(c, refs)
        if c.at != end: raise ValueError(f'the body of tag {tag} has another length than its extension')
        return refs.pop(body) if tag == 0 else int(body) if tag == 3 else None if tag == 1 else Tagged(tag, body)
    b = c.u8()
    if b < 0x80 or b >= 0xe0: return b if b < 0x80 else b - 256
    if b < 0xa0: return array(b & 15) if b >= 0x90 else pairs(b & 15)
    if b < 0xc0 or 0xd9 <= b <= 0xdb: return str(c.take(b & 31 if b < 0xc0 else sized(1 << b - 0xd9)), 'utf-8')
    if b in (0xc0, 0xc2, 0xc3): return {0xc0: None, 0xc2: False, 0xc3: True}[b]
    if 0xc4 <= b <= 0xc6: return c.take(sized(1 << b - 0xc4))
    if 0xca <= b <= 0xd3: return struct.unpack('>' + 'fdBHIQbhiq'[b - 0xca], c.take(int('4812481248'[b - 0xca])))[0]
    if 0xc7 <= b <= 0xd8: return tagged(sized(1 << b - 0xc7) if b < 0xca else 1 << b - 0xd4)
    if 0xdc <= b <= 0xdf: return (array if b < 0xde else pairs)(sized(2 << (b & 1)))
    raise ValueError(f'MessagePack has no {b:#x}')
def undeliver(message): return [end.abort('undelivered') or end.cancel('undelivered') for end in message.refs]
class End:
    """One end of a channel, stream or duplex. `send` with `returns` gives the receiver of the answers; a stream's takes bytes."""
    def __init__(self, session, id, sends, receives, raw):
        self.session, self.id, self.raw, self.credit = session, id, raw, session.peer[4 if raw else 3]
        self.failed, self.queue, self.coming, self.taken = None, deque(), None, 0
        self.sent = self.sent_heard = not sends       # the last words about what we send: ours, the peer's
        self.got = self.got_said = not receives       # the last words about what we receive: the peer's, ours
        session.ends[id] = self
    def send(self, value, returns=False):
        gives = [Give(kind=SENDER)] if returns else []
        body = value if self.raw else pack(value, gives)
        if not self.raw and len(body) > self.session.peer[2]: raise ChannelError('too-large', f'{len(body)} bytes')
        for at in range(0, len(body), PIECE):
            piece, flags = body[at:at + PIECE], MORE if at + PIECE < len(body) else 0
            cost = len(piece) + (0 if self.raw or at else 32 + 64 * len(gives))
            self.session.wait(lambda: self.sent or self.credit >= cost)
            if self.sent: raise self.failed or ChannelError('closed', f'end {self.id} is closed')
            self.credit -= cost
            front = varint(len(body)) if flags and not at else b''
            if gives and not at:
                flags, front = flags | REFS | (RETURN if returns else 0), front + varint(len(gives))
                for give in gives: give.end = self.session.new_end(give.kind); front += varint(give.kind) + varint(give.end.id)
            self.session.write(BYTES if self.raw else DATA, self.id, (b'' if self.raw else bytes([flags]) + front) + piece)
        return gives[0].end if returns else None
    def receive(self):                                # the next Message of a channel or bytes of a stream; None at the end
        self.session.wait(lambda: self.queue or self.got or self.got_said)
        if self.failed and not self.queue: raise self.failed
        if not self.queue: return None
        message, self.taken = self.queue.popleft(), self.taken + 1
        if message.flags & WANTS_ACK: self.session.write(ACK, self.id, varint(self.taken))
        self._settle(message.owed)
        if self.raw: return message.body
        refs, c = dict(enumerate(message.refs)), Cursor(message.body)
        try:
            ret, value = refs.pop(0) if message.flags & RETURN else None, unpack(c, refs)
            if refs or c.rest(): raise ValueError('more came than the value holds')
            return Message(value, ret)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            undeliver(message)
            raise self.cancel('protocol', f'malformed body: {error}') or ChannelError('protocol', f'malformed body: {error}')
    def close(self): self._say('sent', CLOSE)
    def abort(self, code='aborted', message=''): self._say('sent', ABORT, reason(code, message))
    def cancel(self, code='cancelled', message=''):
        self._say('got_said', CANCEL, reason(code, message))
        while self.queue: undeliver(self.queue.pop())
    def _say(self, word, type, payload=b''):          # our last word about one direction, once
        if not getattr(self, word): self.session.write(type, self.id, payload)
        setattr(self, word, True)
        if self.sent and self.sent_heard and self.got and self.got_said: self.session.ends.pop(self.id, None)
    def _settle(self, owed=0):                        # gives back what was taken, and the pieces of a message that is now the oldest
        if self.coming and not self.queue: owed, self.coming.owed = owed + self.coming.owed, 0
        if owed and not self.got and not self.got_said: self.session.write(CREDIT, self.id, varint(owed))
        if self.got and not self.queue: self._say('got_said', DONE)
    def hear(self, type, c):                          # one frame about this end
        if type in (DATA, BYTES) and not self.got and self.raw == (type == BYTES):
            flags, old = 0 if self.raw else c.u8(), self.coming
            size = c.varint() if flags & MORE and not old else 0
            refs = [self.session.new_end(c.u8(), c.varint()) for _ in range(c.varint())] if flags & REFS else []
            piece, message = c.rest(), old or SimpleNamespace(flags=flags, size=size, refs=refs, body=b'', owed=0)
            message.body += piece
            message.owed += len(piece) + (0 if self.raw or old else 32 + 64 * len(refs))
            self.coming, length = message if flags & MORE else None, len(message.body)
            if message.flags & MORE and (length > min(size := message.size, MAX_MESSAGE) or not self.coming and length < size):
                raise ValueError(f'a message of {length} bytes that announced {size}')
            if self.got_said: undeliver(message)
            elif not self.coming: self.queue.append(message)
            self._settle()
        elif type in (DROP, CLOSE, ABORT) and not self.got:
            given_up, self.coming, self.got, self.taken = self.coming, None, type != DROP, self.taken + (type == DROP)
            if given_up: undeliver(given_up)
            if type == ABORT: self.failed = ChannelError(c.text(), c.text())
            while type == ABORT and self.queue: undeliver(self.queue.pop())
            self._settle(given_up.owed if given_up else 0)
        elif type == CREDIT: self.credit += c.varint()
        elif type in (DONE, CANCEL) and not self.sent_heard:
            self.sent_heard, self.failed = True, ChannelError(c.text(), c.text()) if type == CANCEL else self.failed
            self._say('sent', CLOSE)
        elif type != ACK: raise ValueError(f'frame {type} does not fit end {self.id}')
class Session:
    def __init__(self, sock):
        self.sock, self.stream, self.ends, self.opened = sock, sock.makefile('rb'), {}, deque()
        self.peer, self.over, self.next_id, self.peer_id = None, None, 1, 0
        self.write(HELLO, 0, b'CRCT' + b''.join(map(varint, (1, MAX_CHANNELS, MAX_MESSAGE, WINDOW, WINDOW, 1))) + text('msgpack'))
        self.wait(lambda: self.peer)
    def open(self, target):
        end = self.new_end(RECEIVER)
        self.write(OPEN, end.id, text('msgpack') + text(target) + text(''))
        return end
    def accept(self):                                 # the next channel that the peer opens: (target, receiver)
        return self.wait(lambda: self.opened) or self.opened.popleft()
    def close(self):                                  # says goodbye and waits until the peer has ended its side
        self.write(GOAWAY, 0, reason('closed', ''))
        while self.stream.read(65_536): pass
        self.over = self.sock.close() or self.over or ChannelError('closed', 'the session is closed')
    def new_end(self, kind, id=None):                 # `kind` as the recipient sees it; without an id it is ours
        sends, receives, raw = ROLES[kind]
        if id is None and sum(i & 1 for i in self.ends) >= self.peer[1]: raise ChannelError('too-many', f'over {self.peer[1]}')
        if id is None: self.next_id += 2
        if id is None: return End(self, self.next_id - 2, receives, sends, raw)
        if id & 1 or id <= self.peer_id: raise ValueError(f'{id} is no new id of the peer')
        self.peer_id = id
        return End(self, id, sends, receives, raw)
    def write(self, type, id, payload=b''):
        frame = varint(id) + payload
        if not self.over: self.sock.sendall(bytes([type]) + len(frame).to_bytes(3, 'big') + frame)
    def wait(self, ready):
        while not ready() and not self.over: self._read()
        if not ready(): raise self.over
    def _read(self):
        try:
            head = Cursor(self.stream.read(4))
            if not head.data: raise ConnectionResetError('the connection ended')
            type, size = head.u8(), int.from_bytes(head.take(3), 'big')
            if size > MAX_FRAME: raise ValueError(f'a frame of {size} bytes')
            frame = Cursor(self.stream.read(size))
            self._hear(type, frame.varint(), frame)
        except OSError as error: self.over = ChannelError('peer-gone', str(error))
        except (ValueError, LookupError) as error:
            self.over = self.write(GOAWAY, 0, reason('protocol', str(error))) or ChannelError('protocol', str(error))
    def _hear(self, type, id, c):
        if type == HELLO:
            if c.take(4) != b'CRCT' or c.varint() != 1: raise ValueError('not version 1 of the protocol')
            self.peer = [1] + [c.varint() for _ in range(4)]
        elif type == OPEN: self.opened.append((c.text() and c.text(), self.new_end(RECEIVER, id)))
        elif type == PING: self.write(PONG, 0, c.rest())
        elif type == GOAWAY: self.over = ChannelError(c.text(), c.text())
        elif id in self.ends: self.ends[id].hear(type, c)
        elif type < 0x80 and id and (id >= self.next_id if id & 1 else id > self.peer_id): raise ValueError(f'id {id} was never announced')
def dial(url):                                        # tcp://HOST:PORT or unix:PATH
    if not url.startswith('unix:'): return Session(socket.create_connection(url.removeprefix('tcp://').rsplit(':', 1)))
    sock = socket.socket(socket.AF_UNIX)
    return Session(sock.connect(url.removeprefix('unix:')) or sock)
