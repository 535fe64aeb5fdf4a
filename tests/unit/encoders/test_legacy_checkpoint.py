"""Legacy checkpoints: their numbers come out, and nothing in them runs."""

from __future__ import annotations

import contextlib
import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.encoders.bundled import MODELS
from tamis.encoders.legacy_checkpoint import read_legacy_checkpoint
from tamis.errors import EncoderError

MAGIC = 0x1950A86A20F9469CFC6C


class Global:
    """Pickles as a reference to a global that need not exist here."""

    def __init__(self, name):
        self.name = name


class Call:
    """Pickles as a call of a global with arguments."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


class Storage:
    def __init__(self, key, kind, numel):
        self.pid = ("storage", Global(f"torch {kind}"), key, "cpu", numel, None)


class Pickler(pickle._Pickler):
    """Writes what PyTorch's pickler writes, from stand-ins, with no PyTorch."""

    def persistent_id(self, obj):
        return obj.pid if isinstance(obj, Storage) else None

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            module, name = obj.name.split(" ")
            self.write(b"c" + module.encode() + b"\n" + name.encode() + b"\n")
            return
        super().save(obj, save_persistent_id)

    def save_reduce(self, func, args, *rest, obj=None, **named):
        if isinstance(func, Global):
            self.save(func)
            self.save(args)
            self.write(pickle.REDUCE)
            return
        super().save_reduce(func, args, *rest, obj=obj, **named)


def dumps(value):
    stream = io.BytesIO()
    Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def tensor(storage, offset, shape, strides):
    rebuild = Global("torch._utils _rebuild_tensor_v2")
    return Call(rebuild, storage, offset, shape, strides, False, OrderedDict())


def checkpoint(state, blocks, *, magic=MAGIC, protocol=1001, little_endian=True):
    head = [magic, protocol, {"little_endian": little_endian}, state, list(blocks)]
    body = b"".join(len(block).to_bytes(8, "little") + block.tobytes() for block in blocks.values())
    return b"".join(map(dumps, head)) + body


NUMBERS = np.arange(12, dtype="<f4")


def plain():
    storage = Storage("0", "FloatStorage", 12)
    state = OrderedDict(
        a=tensor(storage, 0, (2, 3), (3, 1)),
        turned=tensor(storage, 6, (3, 2), (1, 3)),
        count=tensor(Storage("1", "LongStorage", 1), 0, (), ()),
    )
    return checkpoint(state, {"0": NUMBERS, "1": np.array([7], "<i8")})


def test_arrays_come_out_with_their_shapes_and_strides():
    arrays = read_legacy_checkpoint(plain(), "w.pth")
    assert list(arrays) == ["a", "turned", "count"]
    np.testing.assert_array_equal(arrays["a"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(arrays["turned"], [[6, 9], [7, 10], [8, 11]])
    assert arrays["a"].dtype == np.float32
    assert arrays["count"].dtype == np.int64
    assert arrays["count"] == 7
    assert not any(array.flags.writeable for array in arrays.values())


def test_the_bundled_weights_are_read_as_pytorch_reads_them():
    torch = pytest.importorskip("torch")
    path = MODELS["efficientnet-lite0"].weights_path()
    expected = torch.load(path, map_location="cpu", weights_only=True)
    arrays = read_legacy_checkpoint(path.read_bytes(), path.name)
    assert list(arrays) == list(expected)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, expected[name].numpy())


class Explosive:
    """Leaves a trace when it is unpickled."""

    exploded = False

    def __call__(self, *_):
        Explosive.exploded = True


def explode():
    Explosive.exploded = True


HOSTILE_GLOBALS = [
    "os system",
    "posix system",
    "builtins eval",
    "builtins getattr",
    "builtins exec",
    "subprocess Popen",
    "torch load",
    "torch._utils _rebuild_tensor",
    "numpy frombuffer",
    "collections namedtuple",
    "collections OrderedDict.fromkeys",
    "tamis.encoders.legacy_checkpoint _Storage",
]


@pytest.mark.parametrize("name", HOSTILE_GLOBALS)
def test_any_other_global_is_refused_before_it_is_looked_up(name):
    state = OrderedDict(a=Call(Global(name), "echo hostile"))
    with pytest.raises(EncoderError, match=name.replace(" ", r"\.")):
        read_legacy_checkpoint(checkpoint(state, {}), "w.pth")


@pytest.mark.parametrize("position", range(5))
def test_hostile_code_runs_in_no_part_of_the_file(position):
    head = [MAGIC, 1001, {"little_endian": True}, OrderedDict(), []]
    head[position] = Call(explode)
    data = b"".join(pickle.dumps(part, protocol=2) for part in head)
    Explosive.exploded = False
    with pytest.raises(EncoderError, match="explode"):
        read_legacy_checkpoint(data, "w.pth")
    assert not Explosive.exploded
    # the same bytes are dangerous to a reader that trusts them
    stream = io.BytesIO(data)
    for _ in head:
        pickle.load(stream)
    assert Explosive.exploded


def test_stand_ins_cannot_be_changed_by_the_file():
    for stand_in in ("torch FloatStorage", "torch._utils _rebuild_tensor_v2"):
        state = dumps(OrderedDict())[:2] + b"c" + stand_in.replace(" ", "\n").encode() + b"\n"
        state += b"}X\x05\x00\x00\x00dtypeK\x01sb."  # BUILD with {"dtype": 1}
        data = dumps(MAGIC) + dumps(1001) + dumps({"little_endian": True}) + state + dumps([])
        with pytest.raises(EncoderError):
            read_legacy_checkpoint(data, "w.pth")
        assert read_legacy_checkpoint(plain(), "w.pth")["a"][1, 2] == 5


def test_a_tensor_cannot_be_changed_once_it_is_checked():
    state = dumps(OrderedDict(a=tensor(Storage("0", "FloatStorage", 12), 0, (12,), (1,))))
    rebuilt = state.rindex(b"R") + 1
    for change in (
        b"}X\x06\x00\x00\x00offsetM\x00\x10sb",
        b"N}X\x06\x00\x00\x00offsetM\x00\x10s\x86b",
    ):
        data = dumps(MAGIC) + dumps(1001) + dumps({"little_endian": True})
        data += state[:rebuilt] + change + state[rebuilt:] + dumps(["0"])
        data += (12).to_bytes(8, "little") + NUMBERS.tobytes()
        with pytest.raises(EncoderError, match="attribute"):
            read_legacy_checkpoint(data, "w.pth")


@pytest.mark.parametrize(
    "operations",
    [
        b"\x96\x00\x00\x00\x00\x00\x00\x00\xff.",  # a byte array of 2^63 bytes
        b"r\xff\xff\xff\x7f.",  # a memo of 2^31 slots
        b"\x8cos\x94\x8c\x06system\x94\x93.",  # STACK_GLOBAL
        b"(cos\nsystem\no.",  # OBJ
        b"(ios\nsystem\n.",  # INST
        b"}\x81.",  # NEWOBJ
        b"\x82\x01.",  # EXT1
    ],
)
def test_operations_that_weights_do_not_need_are_refused_unread(operations):
    data = dumps(MAGIC) + dumps(1001) + b"\x80\x04N" + operations
    with pytest.raises(EncoderError):
        read_legacy_checkpoint(data, "w.pth")


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (13,), (1,)),
        (6, (7,), (1,)),
        (-1, (2,), (1,)),
        (0, (2, 2), (12, 1)),
        (0, (1 << 40,), (0,)),
        (0, (1 << 31, 1 << 31), (1, 1)),
        (0, (3,), (-1,)),
        (0, (-3,), (1,)),
        (0, (3, 2), (1,)),
        (0, "abc", (1,)),
        (0.5, (3,), (1,)),
    ],
)
def test_tensors_that_reach_outside_their_storage_are_refused(offset, shape, strides):
    state = OrderedDict(a=tensor(Storage("0", "FloatStorage", 12), offset, shape, strides))
    with pytest.raises(EncoderError):
        read_legacy_checkpoint(checkpoint(state, {"0": NUMBERS}), "w.pth")


def test_files_of_another_kind_are_refused():
    ok = OrderedDict(a=tensor(Storage("0", "FloatStorage", 12), 0, (12,), (1,)))
    for data, reason in [
        (b"", "safely"),
        (b"PK\x03\x04 a zip archive", "safely"),
        (checkpoint(ok, {"0": NUMBERS}, magic=1), "begin"),
        (checkpoint(ok, {"0": NUMBERS}, protocol=1000), "protocol"),
        (checkpoint(ok, {"0": NUMBERS}, little_endian=False), "little-endian"),
        (checkpoint([1], {}), "state dict"),
        (checkpoint(OrderedDict(a=3), {}), "no tensor"),
        (checkpoint(ok, {}), "safely"),
        (checkpoint(ok, {"1": NUMBERS}), "safely"),
        (checkpoint(ok, {"0": NUMBERS[:11]}), "11 numbers"),
        (checkpoint(ok, {"0": NUMBERS})[:-1], "safely"),
    ]:
        with pytest.raises(EncoderError, match=reason):
            read_legacy_checkpoint(data, "w.pth")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_give_an_error_or_arrays_but_nothing_else(data):
    content = bytearray(plain())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    arrays = {}
    with contextlib.suppress(EncoderError):
        arrays = read_legacy_checkpoint(bytes(content), "w.pth")
    assert all(isinstance(array, np.ndarray) for array in arrays.values())
