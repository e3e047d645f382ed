"""Section 15 of docs/protocol.md on top of the example client: gives and takes descriptors with the listener of foreign-peer.test.ts,
then passes what no honest program would. Prints what went wrong and fails."""
import os, secrets, select, socket, sys
from os.path import dirname

sys.path.insert(0, f'{dirname(__file__)}/../../../../examples/python')
from circuit_channel import *

DESCRIPTOR, FILE = 6, 10                              # kind of the reference, tag around it
ROLES[DESCRIPTOR] = (0, 1, 1)
class FdEnd(End):
    fd = None
    def _settle(self, owed=0):                        # DONE only when the descriptor is here, too
        if self.fd is not None: super()._settle(owed)
class LaneSession(Session):
    lane = None
    def __init__(self, path):
        self.path, self.token = path, secrets.token_bytes(16)
        sock = socket.socket(socket.AF_UNIX)
        super().__init__(sock.connect(path) or sock)
    def write(self, type, id, payload=b''):           # no authentication, a lane of version 1
        super().write(type, id, payload + (b'\0\1' + self.token if type == HELLO else b''))
    def _hear(self, type, id, c):
        super()._hear(type, id, c)
        if type == HELLO:
            for _ in range(c.varint()): c.text()
            if c.varint() != 0 or c.varint() != 1: raise ValueError('the listener offers no lane')
            self.peer_token = c.take(16)
    def new_end(self, kind, id=None):
        if kind != DESCRIPTOR or id is None: return super().new_end(kind, id)
        end = super().new_end(READER, id)
        end.__class__ = FdEnd
        return end
    def open_lane(self):
        if self.lane: return
        self.lane = socket.socket(socket.AF_UNIX)
        self.lane.connect(self.path)
        self.lane.sendall(b'\x12\0\0\x16\0CRLN\1' + self.peer_token)
        if self.lane.recv(16, socket.MSG_WAITALL) != self.token: sys.exit('the lane leads to somebody else')
    def pass_fds(self, end, *fds):
        self.open_lane()
        socket.send_fds(self.lane, [end.id.to_bytes(8, 'big')], list(fds))
        end.close()
    def take_fd(self, end):
        self.open_lane()
        while end.fd is None:
            number, fds, _, _ = socket.recv_fds(self.lane, 8, 1)
            self.ends[int.from_bytes(number, 'big')].fd = fds[0]
        self.wait(lambda: end.got)
        end._settle()
        return end.fd
def check(name, seen, wanted):
    if seen != wanted: sys.exit(f'{name}: {seen!r:.200}, want {wanted!r:.200}')

session = LaneSession(sys.argv[1])
def give(target, name, *fds):                         # one descriptor, and what the listener says of it
    gives = Give(kind=DESCRIPTOR)
    answers = session.open(target).send({'name': name, 'at': Tagged(FILE, gives)}, returns=True)
    session.pass_fds(gives.end, *fds)
    return answers.receive().value

with open(sys.argv[2], 'rb', buffering=0) as file:
    file.seek(3)
    check('a file, given', give('read', 'file', file.fileno()), '3456789')
    check('where it stands', file.tell(), 10)
[value, _] = session.open('give me').send(None, returns=True).receive()
first, second = [session.take_fd(descriptor.body) for descriptor in value]
check('a pipe, taken', os.read(first, 100), b'out of a pipe')
check('a file, taken', os.read(second, 100), b'0123456789')

os.mkfifo(fifo := sys.argv[2] + '-fifo')
listening, ours, datagram = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listening.bind(sys.argv[2] + '-socket')
listening.listen()
memory = os.memfd_create('memory')
os.write(memory, b'remembered')
os.lseek(memory, 0, os.SEEK_SET)
strange = {
    'memfd': memory, 'epoll': select.epoll().fileno(), 'eventfd': os.eventfd(0), 'folder': os.open('/', os.O_RDONLY),
    'device': os.open('/dev/zero', os.O_RDONLY), 'path of a file': os.open(sys.argv[2], os.O_PATH), 'path of a fifo': os.open(fifo, os.O_PATH),
    'listening': listening.fileno(), 'unconnected': ours.fileno(), 'datagram': datagram.fileno(),
    'packets': socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)[0].detach(), 'write only': os.open(sys.argv[2], os.O_WRONLY),
}
for name, fd in strange.items(): check(name, give('strange', name, fd), 'as expected')
check('the lane itself', give('open', 'lane', session.lane.fileno()), 'opened')
check('the session itself', give('take', 'session', session.sock.fileno()), 'taken')

reading, writing = os.pipe()                          # flags are shared: what waits is to be read without a wait
os.write(writing, bytes(65_536))
answers = session.open('drain').send({'at': Tagged(FILE, gives := Give(kind=DESCRIPTOR))}, returns=True)
session.pass_fds(gives.end, reading)
check('drain', answers.receive().value, 'opened')
os.set_blocking(reading, True)
session.open('go').send(None)
check('drain', answers.receive().value, 65_536)
check('drain', session.open('echo').send('awake', returns=True).receive().value, 'awake')
os.close(writing)
check('drain', answers.receive().value, 'end')

pair = [Give(kind=DESCRIPTOR), Give(kind=DESCRIPTOR)]
answers = session.open('two').send([Tagged(FILE, give) for give in pair], returns=True)
session.pass_fds(pair[0].end, memory, memory)
session.pass_fds(pair[1].end, memory)
check('several in one write', answers.receive().value, ['limit', 'here'])

many = [Give(kind=DESCRIPTOR) for _ in range(2)]
answers = session.open('two').send([Tagged(FILE, give) for give in many], returns=True)
session.pass_fds(many[0].end, *[memory] * 253)        # as many as the system sends at once
session.pass_fds(many[1].end, memory)
check('253 in one write', answers.receive().value, ['limit', 'here'])
session.wait(lambda: not [end for end in session.ends.values() if isinstance(end, FdEnd)])
session.close()
