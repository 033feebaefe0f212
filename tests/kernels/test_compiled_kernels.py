"""What the compiler made of the kernels: registers, memory and instructions, read from the library built."""

import importlib.util
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from gramstyle.kernels import capabilities, reason_missing

DEVICES = ("sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")


def cuobjdump():
    """The disassembler: of a toolkit, or the one that Triton carries."""
    found = shutil.which("cuobjdump")
    spec = importlib.util.find_spec("triton")
    if found is None and spec is not None and spec.origin is not None:
        carried = Path(spec.origin).parent / "backends/nvidia/bin/cuobjdump"
        found = str(carried) if carried.is_file() else None
    return found


if reason_missing("cuda") is not None:
    pytest.skip(f"the CUDA half is not there: {reason_missing('cuda')}", allow_module_level=True)
if cuobjdump() is None:
    pytest.skip("no cuobjdump", allow_module_level=True)

import gramstyle.kernels._cuda as half  # noqa: E402


def dumped(*options):
    return subprocess.run(
        [cuobjdump(), *options, half.__file__], capture_output=True, text=True, check=True
    ).stdout


def mangled(kernel, form, *numbers, layout=None):
    """As the C++ ABI names a kernel: of a format, a layout and numbers."""
    middle = "" if layout is None else f"LNS0_6LayoutE{layout}E"
    return f"{kernel}INS0_{len(form)}{form}E{middle}{''.join(f'Li{one}E' for one in numbers)}"


GRAM = [
    (mangled("gram_kernel", form, width, layout=layout), limit)
    for form, limits in {
        "Bfloat16": (96, 168, 240, 248),
        "Float16": (96, 168, 240, 248),
        "Tf32": (96, 168, 248, 248),
        "Ieee": (112, 240, 248, 224),
    }.items()
    for width, limit in zip((32, 64, 128, 256), limits, strict=True)
    for layout in (0, 1)
]
BACKWARD = [
    (mangled("backward_kernel", form, layout=layout), limit)
    for form, limit in {"Bfloat16": 128, "Float16": 128, "Ieee": 224}.items()
    for layout in (0, 1)
]
CONVOLUTION = [
    (mangled(kernel, form, number), limit)
    for kernel, number, limit in (
        ("conv_registers_kernel", 2, 144),
        ("conv_registers_kernel", 4, 224),
        ("conv_shared_kernel", 128, 255),
        ("conv_shared_kernel", 256, 255),
    )
    for form in ("Bfloat16", "Float16")
]
OTHERS = [
    ("reduce_kernelI", 64),
    ("prepare_kernel", 64),
    ("plain_kernel", 128),
    ("plain_backward_kernel", 64),
]
LIMITS = [*GRAM, *BACKWARD, *CONVOLUTION, *OTHERS]
"""Registers of a thread, 256 threads to a block: at most 255 of which one block fills a
multiprocessor, at most 128 of which two do."""


@pytest.fixture(scope="module")
def usage():
    """(device, kernel) -> what the assembler says of it."""
    found = {}
    device = kernel = ""
    for line in dumped("-res-usage").splitlines():
        if line.startswith("arch = "):
            device = line.removeprefix("arch = ").strip()
        elif match := re.match(r"\s*Function (\S+):", line):
            kernel = match[1]
        elif "REG:" in line:
            found[device, kernel] = {name: int(value) for name, value in re.findall(r"(\w+):(\d+)", line)}
    return found


def test_every_device_has_machine_code_and_others_have_ptx(usage):
    assert {device for device, _ in usage} == set(DEVICES) or half.codes != "80,86,89,90,100,120"
    assert re.search(r"\.sm_80\.ptx", dumped("-lptx"))
    assert {f"sm_{one.replace('.', '')}" for one in capabilities()} == {device for device, _ in usage}


@pytest.mark.parametrize(("kernel", "limit"), LIMITS)
def test_registers_stay_within_limits_and_nothing_spills(kernel, limit, usage):
    rows = {device: row for (device, name), row in usage.items() if kernel in name}
    assert len(rows) == len(half.codes.split(","))
    assert {device: row["REG"] for device, row in rows.items() if row["REG"] > limit} == {}
    assert {device: row for device, row in rows.items() if row["STACK"] or row["LOCAL"]} == {}


def test_no_kernel_is_without_a_limit(usage):
    names = {name for _, name in usage}
    unknown = [name for name in names if not any(kernel in name for kernel, _ in LIMITS)]
    assert [name for name in unknown if "plain_reduce_kernel" not in name] == []


# products, loads of matrices and transpositions in the code: of the widest panels of the Gram kernel a warp
# runs one of two loops (36 tiles and 10 fragments, or 32 and 8); the fused kernels convolve, too
INSTRUCTIONS = {
    mangled("gram_kernel", "Bfloat16", 32, layout=1): {"HMMA": 6, "LDSM": 2},
    mangled("gram_kernel", "Bfloat16", 64, layout=0): {"HMMA": 20, "LDSM": 4},
    mangled("gram_kernel", "Float16", 64, layout=1): {"HMMA": 20, "LDSM": 4},
    mangled("gram_kernel", "Bfloat16", 128, layout=1): {"HMMA": 36, "LDSM": 10},
    mangled("gram_kernel", "Bfloat16", 256, layout=1): {"HMMA": 36 + 32, "LDSM": 10 + 8},
    mangled("gram_kernel", "Tf32", 64, layout=0): {"HMMA": 20, "LDSM": 4},
    mangled("gram_kernel", "Ieee", 64, layout=0): {"HMMA": 3 * 20, "LDSM": 4},
    mangled("backward_kernel", "Bfloat16", layout=1): {"HMMA": 16, "LDSM": 6},
    mangled("conv_registers_kernel", "Bfloat16", 4): {"HMMA": 8 + 20, "LDSM": 5, "MOVM": 16},
    mangled("conv_registers_kernel", "Bfloat16", 2): {"HMMA": 4 + 6, "LDSM": 3, "MOVM": 8},
    # convolved before the loop and in it
    mangled("conv_shared_kernel", "Bfloat16", 128): {"HMMA": 36 + 2 * 8, "LDSM": 10 + 2 * 4},
}


@pytest.fixture(scope="module")
def code(usage):
    """(device, part of a kernel's name) -> how often each instruction stands in it."""
    names = {part: next(name for _, name in usage if part in name) for part in INSTRUCTIONS}
    found = {}
    for device in ("sm_80", "sm_90"):
        if (device, next(iter(names.values()))) not in usage:
            continue
        text = dumped("-sass", "-arch", device, "-fun", ",".join(names.values()))
        for block in text.split("Function : ")[1:]:
            name = block.split(maxsplit=1)[0]
            words = re.findall(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+ )?([A-Z][\w.]*)", block, re.MULTILINE)
            (part,) = [one for one, whole in names.items() if whole == name]
            found[device, part] = Counter(words)
    return found


@pytest.mark.proofs
def test_only_the_upper_triangle_is_multiplied(code):
    assert code
    for (device, kernel), words in code.items():
        expected = INSTRUCTIONS[kernel]
        counted = {name: sum(n for word, n in words.items() if word.startswith(name)) for name in expected}
        assert counted == expected, (device, kernel)


@pytest.mark.proofs
def test_copies_are_as_wide_as_they_can_be_and_registers_stay_registers(code):
    for (device, kernel), words in code.items():
        wide = sum(n for word, n in words.items() if re.match(r"LDGSTS\.E\.BYPASS(\.\w+)*\.128", word))
        assert wide >= 4, (device, kernel)
        local = [word for word in words if re.match(r"(LDL|STL)\b", word)]
        assert local == [], (device, kernel)
