"""The memory that the packet path shares with its compiled loop: 64-bit words of the machine's order, Linux.

One block of words holds the arguments, the addresses and the results of a call. Each viewer has a record in a table,
each message of a batch its `struct mmsghdr`, `struct iovec`, control message, socket address and notes.
"""

from __future__ import annotations

# --- the block: what is given ---------------------------------------------------------------------------------------
FD = 0
VIEWERS, OFFSETS, AUDIENCE = 1, 2, 3  # addresses of int32 numbers, and how many there are
PLAIN, LENGTHS, COUNT = 4, 5, 6  # the prepared packets one after the other, their lengths (words), how many there are
TABLE, CAPACITY = 7, 8  # the viewers' records
CIPHER, SPACE = 9, 10  # where packets are encrypted; a batch ends when it holds so many bytes
MESSAGES, LISTS, CONTROLS, NAMES, NOTES = 11, 12, 13, 14, 15  # for `MOST` messages and a spare one
PROTECT, SENDMMSG, MEMCPY, ERRNO = 16, 17, 18, 19  # the C functions
# --- the block: what goes on from call to call, and what is told ----------------------------------------------------
PLACE = 20  # the first viewer that is still to do
MADE, FIRST = 21, 22  # messages of the batch at hand, the first of them that is unsent
TAKEN, FULL, REFUSED = 23, 24, 25  # datagrams taken; times the kernel's buffer was full, a route refused the offload
LENGTH, SCRATCH = 26, 27  # the address of `SCRATCH`: a C int that the functions which encrypt read and write
# --- the block: what is held ----------------------------------------------------------------------------------------
HOLDERS, HOLD_VIEWERS, HOLD_OFFSETS = 28, 29, 30  # how many shall hold the packet, and addresses of int32 numbers
HELD, HELD_MOST = 31, 32  # which packet that is, counted from 1; how many may be held at a time
HELD_PLAIN, HELD_LENGTHS = 33, 34  # those, each at its count modulo `HELD_MOST`, and their lengths (words)
HELD_LAST = 35  # 0: what is held waits for a later call
# --- the block: AES-GCM (gcm_numba.py) ------------------------------------------------------------------------------
EVP_INIT, EVP_UPDATE, EVP_FINAL, EVP_CONTROL = 36, 37, 38, 39  # the C functions
WINDOW = 40  # an index so far below the highest is not sent
NONCE, NONCE_SPACE = 41, 42  # the address of `NONCE_SPACE`: two words, of which a nonce takes 12 bytes
# --- the block: RTCP ------------------------------------------------------------------------------------------------
RTCP, PROTECT_RTCP = 44, 45  # not 0: what is prepared is RTCP; libsrtp's function for it
BLOCK = 46

# --- a viewer's record: four cache lines, the first of them all that is needed to skip it ---------------------------
SESSION = 0  # the address of the srtp_t; 0: nobody
FLAGS = 1
NAME = 2  # struct sockaddr_in or sockaddr_in6, four words
HOLDS = 6  # the count of the packet that waits for it, above 16 bits of that one's offset; 0: none
CONTEXT = 7  # the address of the EVP_CIPHER_CTX; 0: the session encrypts
MARKS = 8  # for each period modulo `proof.PERIODS`: the period in the upper half, its mark in the lower
SALT = 12  # the session salt: its first eight bytes as a number, its last four as another
SSRCS, HIGHEST = 14, 20  # of each stream its SSRC, 32 bits; and `SENT` with its highest index so far, or 0: none yet
RECORD = 32
STREAMS = 12
"""Of a viewer, which the loop encrypts itself; the session those beyond. Of five slots, the stage's included, sound and
picture are ten."""
SENT, INDEXES = 1 << 62, 1 << 48
OFFLOAD = 1  # of `FLAGS`: the route takes UDP_SEGMENT
MARKED = 2  # of `FLAGS`: the mark of period 0 is set, shifted by the period modulo `proof.PERIODS`

# --- a message ------------------------------------------------------------------------------------------------------
M_NAME, M_NAMELEN, M_LIST, M_LISTLEN, M_CONTROL, M_CONTROLLEN = range(6)
MESSAGE = 8
LIST = 2  # base, length
CONTROL = 3  # length, level and type, the segments' size
CONTROL_SPACE, CONTROL_LENGTH = 24, 18  # CMSG_SPACE and CMSG_LEN of 16 bits
NAME_WORDS = 4
NOTE = 2  # the viewer, how many datagrams

PACKETS = 63  # to one viewer in one call; with what it holds 64, the segments of a message (UDP_MAX_SEGMENTS)
MOST = 1_024  # messages that one sendmmsg takes (UIO_MAXIOV)
HELD_SPACE = 1_536  # bytes for a packet that is held
RUN = 60_000  # bytes of one message's segments; the kernel takes 65,507
