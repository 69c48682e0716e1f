"""queues: what is on its way between two ends of a TCP connection on this
machine: sent and not yet acknowledged, or come and not yet read.

Asked of the kernel by sock_diag(7), one socket at a time; /proc/net/tcp, which
says the same, is a walk through all buckets of its table, some 10 ms each.
"""
import errno
import os
import socket
import struct

SOCK_DIAG_BY_FAMILY = 20
NLMSG_ERROR = 2
HEADER = struct.Struct("=IHHII")	# of a netlink message
ADDRESSES = struct.Struct("!HH4s12x4s12x")	# of inet_diag_sockid
REQUEST = struct.Struct("=BBBxI36sIII")	# inet_diag_req_v2; cookie: any
ANSWER = struct.Struct("=4x48xIII")	# inet_diag_msg: expires, unread, unsent
ANY = 0xffffffff


def queued(here, there):
    """Octets on their way from here to there; both are (host, port)."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4) as diag:
        return queue_of(diag, here, there)[1] + queue_of(diag, there, here)[0]


def queue_of(diag, local, remote):
    """(not yet read, not yet sent) of the socket at local."""
    address = ADDRESSES.pack(local[1], remote[1], socket.inet_aton(local[0]),
                             socket.inet_aton(remote[0]))
    body = REQUEST.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, ANY, address,
                        0, ANY, ANY)
    diag.sendto(HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, 1, 0,
                            0) + body, (0, 0))
    answer = diag.recv(4096)
    if HEADER.unpack_from(answer)[1] == NLMSG_ERROR:
        error, = struct.unpack_from("=i", answer, HEADER.size)
        if error != -errno.ENOENT:
            raise OSError(-error, os.strerror(-error), "sock_diag")
        return 0, 0	# it is gone, and what was to be read with it
    _, unread, unsent = ANSWER.unpack_from(answer, HEADER.size)
    return unread, unsent
