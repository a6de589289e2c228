"""The compiler's process: what numba compiled in a module, as machine code that any later process can map.

    python -m signaling.io.code_llvmlite signaling.io.loop_numba > file

The module has `code`, made by `calls_numba.compiled`: of an address, returning an integer. It calls nothing but
addresses that it is given, and no byte of it depends on where it lies, or on more than this kind of
processor. What numba makes is reached by its calling convention (`native_name` less its prefix; a pointer to the
result, one to exceptions, the arguments), which is private: code that is not as described is refused (`SystemExit`).

The file is a line of JSON, a `Kept`, and the code.
"""

from __future__ import annotations

import hashlib
import importlib
import platform
import sys
from pathlib import Path

import llvmlite.binding as llvm
import msgspec
import numba

from signaling.io.code_mmap import PACKAGE, Kept, digest_of

_ENTRY = """
define i64 @code(i64 %address) {{
  %result = alloca i64
  %raised = alloca ptr
  store i64 -1, ptr %result
  %status = call i32 @"{inner}"(ptr %result, ptr %raised, i64 %address)
  %value = load i64, ptr %result
  ret i64 %value
}}
"""


def machine_code(name: str) -> bytes:
    """Of that module."""
    made = importlib.import_module(name).code
    module = llvm.parse_assembly(made.inspect_llvm() + _ENTRY.format(inner=made.native_name.removeprefix("cfunc.")))
    module.verify()
    for function in module.functions:
        if function.name != "code" and not function.is_declaration:
            function.linkage = "internal"
            function.add_function_attribute("alwaysinline")
    machine = llvm.Target.from_default_triple().create_target_machine(opt=3, reloc="pic", codemodel="small")
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=3))
    builder.getModulePassManager().run(module, builder)
    functions = [one.name for one in module.functions if not one.name.startswith("llvm.")]
    _demand(functions == ["code"], f"has more than one function: {functions}")
    return _text(machine.emit_object(module))


def _text(file: bytes) -> bytes:
    """The code of an object file that has nothing else."""
    parsed = llvm.ObjectFileRef.from_data(file)
    found = [(one.name() or b"", one.is_text(), one.data()) for one in parsed.sections()]
    beside = [name for name, _, _ in found if name.startswith((b".rel.text", b".rela.text", b".rodata", b".data"))]
    _demand(not beside, f"needs {beside}")
    texts = [data for _, is_text, data in found if is_text]
    _demand(len(texts) == 1, f"has {len(texts)} parts")
    code: bytes = texts[0]
    return code


def _demand(kept: bool, otherwise: str) -> None:
    if not kept:
        raise SystemExit(f"the code that numba {numba.__version__} makes {otherwise}")


def _sources() -> dict[str, str]:
    """Every file of ours that this process has imported, with its digest."""
    files = [Path(getattr(one, "__file__", None) or "/") for one in tuple(sys.modules.values())]
    return {str(one.relative_to(PACKAGE)): digest_of(one) for one in files if one.is_relative_to(PACKAGE)}


if __name__ == "__main__":
    found = machine_code(sys.argv[1])
    head = Kept(machine=platform.machine(), sources=_sources(), code=hashlib.sha256(found).hexdigest())
    sys.stdout.buffer.write(msgspec.json.encode(head) + b"\n" + found)
