"""Memory and C functions by their addresses, for what numba compiles: nothing is bound to a process by it.

Addresses are signed 64-bit integers. Only the compiler's process imports this module.
"""

# mypy: ignore-errors
# The types here are numba's, and numba checks them.

from __future__ import annotations

import numba
from llvmlite import ir
from numba.extending import intrinsic

WORD, INT = ir.IntType(64), ir.IntType(32)

_int64, _int32, _uint8 = numba.types.int64, numba.types.int32, numba.types.uint8


def _pointer(kind, bits):
    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())

    return numba.types.CPointer(kind)(_int64), generate


@intrinsic
def words(_, address):
    """Memory as an array of 64-bit integers."""
    return _pointer(_int64, 64)


@intrinsic
def numbers(_, address):
    """Memory as an array of 32-bit integers."""
    return _pointer(_int32, 32)


@intrinsic
def octets(_, address):
    """Memory as an array of bytes."""
    return _pointer(_uint8, 8)


def c_function(result, *kinds):
    """For an intrinsic whose first argument is the address: a call with integers of these kinds."""

    def generate(context, builder, signature, arguments):
        function = builder.inttoptr(arguments[0], ir.FunctionType(result, kinds).as_pointer())
        given = [
            argument if kind == WORD else builder.trunc(argument, kind)
            for argument, kind in zip(arguments[1:], kinds, strict=True)
        ]
        found = builder.call(function, given)
        return found if result == WORD else builder.sext(found, WORD)

    return _int64(*(_int64 for _ in range(len(kinds) + 1))), generate
