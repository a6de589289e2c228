"""The memory that the reading of the port shares with its compiled part: 64-bit words of the machine's order, Linux.

One block of words holds an operation, its arguments and results, and the addresses of all other memory. Times are
microseconds; allowances are millionths of a datagram, so that all arithmetic is of whole numbers.
"""

from __future__ import annotations

# --- the block ------------------------------------------------------------------------------------------------------
OPERATION = 0
READ, PUT, DROP = range(3)
DESCRIPTOR, NOW, RECVMMSG = 1, 2, 3  # of READ
MESSAGES, NAMES, DATA, FOUND = 4, 5, 6, 7  # addresses
ADDRESSES, UFRAGS, CHECKS = 8, 10, 12  # tables: each an address, and behind it the number of rows less one
ADDRESS_BUCKETS, NAME_BUCKETS, RATES = 14, 15, 16  # addresses
LET_IN, DRAINED = 17, 18  # results of READ: rows of FOUND; whether the port is empty
HEARD = 19  # datagrams since start
REFUSED = 20  # counts since start, in the order of intake.REASONS
TABLE, KEY, NUMBER = 24, 25, 28  # of PUT and DROP: ADDRESSES, UFRAGS or CHECKS; three words; result of DROP
BLOCK = 29

# --- what it points to ----------------------------------------------------------------------------------------------
ROW = 4  # of a table: three words of key, a number; 0: empty. A power of two of rows, at most half of them in use
CONTENTS = 5  # as port_udp.Content
BUCKET = 2  # what is left, when that was true
RATE = 2  # a second, at once; of each content, then of a ufrag, then of strangers' SRTCP
NAME_RATE, STRANGER_RATE = CONTENTS, CONTENTS + 1
FINDING = 4  # content, place in the buffers, size, number of the address (0: nobody's)
M_NAME, M_NAMELEN, M_LIST, M_LISTLEN, M_CONTROL, M_CONTROLLEN, M_FLAGS, M_LENGTH = range(8)
MESSAGE = 8  # struct mmsghdr; the length is the lower half of its word
LIST = 2  # struct iovec
NAME = 4  # a socket address
