"""For code that is compiled ahead (code_llvmlite.py): memory and C functions by their addresses.

An address is an integer that the code is given when it runs; none stands in the code, so that it can be kept. Integers
are 64-bit and signed: numba makes a float of signed and unsigned. Only the compiler's process imports this module.
"""

# mypy: ignore-errors
# The types here are numba's, and numba checks them.

from __future__ import annotations

import numba
from llvmlite import ir
from numba.extending import intrinsic

int64, int32, uint8 = numba.types.int64, numba.types.int32, numba.types.uint8
WORD, INT = ir.IntType(64), ir.IntType(32)

jit = numba.njit(error_model="numpy")
"""For what the compiled function is made of."""


def compiled(function):
    """A function of one address, which returns an integer; compiled at once."""
    return numba.cfunc(int64(int64), error_model="numpy")(function)


def _pointer(kind, bits):
    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())

    return numba.types.CPointer(kind)(int64), generate


@intrinsic
def words(_, address):
    """Memory as an array of 64-bit integers."""
    return _pointer(int64, 64)


@intrinsic
def numbers(_, address):
    """Memory as an array of 32-bit integers."""
    return _pointer(int32, 32)


@intrinsic
def octets(_, address):
    """Memory as an array of bytes."""
    return _pointer(uint8, 8)


def call(result, *kinds):
    """What an intrinsic returns that calls the C function at its first argument's address: `WORD` or `INT` of its
    result and of each of its arguments."""

    def generate(context, builder, signature, arguments):
        function = builder.inttoptr(arguments[0], ir.FunctionType(result, kinds).as_pointer())
        given = [
            argument if kind == WORD else builder.trunc(argument, kind)
            for argument, kind in zip(arguments[1:], kinds, strict=True)
        ]
        found = builder.call(function, given)
        return found if result == WORD else builder.sext(found, WORD)

    return int64(*(int64 for _ in range(len(kinds) + 1))), generate
