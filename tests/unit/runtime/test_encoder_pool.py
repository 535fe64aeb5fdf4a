"""Each encoder is loaded once: by whatever name, from several threads, until its files change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tamis.dataset.schema import VectorColumn, vector_field
from tamis.dataset.store import Store
from tamis.encoders import registry
from tamis.errors import EncoderError, TamisError, UnknownEncoderError, UsageError
from tamis.runtime.encoder_pool import EncoderPool
from tamis.runtime.workspace import Workspace, execute
from tamis.services.search.contract import Search


@dataclass
class Fake:
    spec: str
    fingerprint: str = "0" * 32
    dim: int = 2
    preprocessing: object = None

    def embed(self, pixels):
        raise NotImplementedError


@pytest.fixture
def loads(monkeypatch):
    """What was loaded, in order; the counting fake."""
    seen = []

    def load(spec="default", **options):
        seen.append((spec, options))
        if "unknown" in spec:
            raise UnknownEncoderError(f"there is no encoder {spec!r}")
        return Fake(str(registry.full_spec(spec)))

    monkeypatch.setattr(registry, "load_encoder", load)
    return seen


def column(spec, fingerprint="0" * 32):
    return VectorColumn(
        vector_field(spec, fingerprint, 2, "float32").name, spec, fingerprint, 2, "float32"
    )


def test_one_encoder_by_any_name_is_loaded_once(loads):
    pool = EncoderPool()
    first = pool.load("default")
    assert pool.load() is first
    assert pool.load("bundled:efficientnet-lite0") is first
    assert pool.load("default", threads=1) is first
    assert pool.for_column(column("bundled:efficientnet-lite0")) is first
    assert len(loads) == 1


def test_other_options_are_another_encoder(loads):
    pool = EncoderPool()
    assert len({id(pool.load("default", threads=n)) for n in (1, 2, None)}) == 3
    assert [options["threads"] for _, options in loads] == [1, 2, None]


def test_threads_that_want_the_same_wait_for_one_load(loads):
    pool = EncoderPool()
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: pool.load("clip"), range(32)))
    assert len(loads) == 1
    assert all(encoder is found[0] for encoder in found)


def test_a_file_that_changed_is_loaded_anew(loads, tmp_path):
    pool = EncoderPool()
    (tmp_path / "net.onnx").write_bytes(b"one")
    spec = f"onnx:{tmp_path / 'net.onnx'}?size=8"
    first = pool.load(spec)
    assert pool.load(spec) is first
    (tmp_path / "net.onnx").write_bytes(b"another")
    assert pool.load(spec) is not first


@pytest.mark.parametrize(
    "spec", ["hf:{0}", "py:{0}/mine.py:Net", "py:{0}/mine.py:Net?weights={0}/w"]
)
def test_so_is_a_folder_a_module_and_its_weights(loads, tmp_path, spec):
    for name in ("mine.py", "w"):
        (tmp_path / name).write_bytes(b"one")
    pool = EncoderPool()
    first = pool.load(spec.format(tmp_path))
    for name in ("mine.py", "w"):
        (tmp_path / name).write_bytes(b"another")
    assert pool.load(spec.format(tmp_path)) is not first


def test_maps_are_looked_for_in_the_dataset_by_every_path(loads, tmp_path):
    store = Store.open(tmp_path / "a.tamis", create=True)
    pool = EncoderPool(store)
    pool.load("aligned:maps/m.npz")
    pool.for_column(column("aligned:maps/m.npz"))
    pool.load("default")
    assert [options.get("folder") for _, options in loads] == [str(store.path), None]


def test_only_those_used_last_stay(loads):
    pool = EncoderPool()
    specs = [f"hf:{number}" for number in range(4)]
    for spec in [*specs, specs[0], "hf:4", specs[0]]:
        pool.load(spec)
    assert len(loads) == 5
    pool.load(specs[1])
    assert len(loads) == 6


def test_what_cannot_be_loaded_is_tried_again(loads):
    pool = EncoderPool()
    for _ in range(2):
        with pytest.raises(UnknownEncoderError):
            pool.load("unknown:x")
    assert len(loads) == 2


def test_an_encoder_that_is_not_the_same_any_more_is_refused(loads):
    with pytest.raises(EncoderError, match="not the encoder any more"):
        EncoderPool().for_column(column("default", "1" * 32))


def test_one_that_reads_no_texts_is_refused_for_texts(loads):
    with pytest.raises(UsageError, match="reads no texts"):
        EncoderPool().for_text(column("default"))


@pytest.mark.parametrize("spec", ["py:evil.py:make", "py:os:abort"])
def test_what_a_file_or_dataset_names_makes_no_code_run(tmp_path, loads, monkeypatch, spec):
    store = Store.create(tmp_path / "d.tamis")
    with store.operation("embed") as op:
        op.add_vector_column(spec, "0" * 32, 2)
    pool = EncoderPool(store)
    (known,) = store.vector_columns()
    for load in (
        lambda: pool.load_named_in(tmp_path / "model.npz", spec),
        lambda: pool.load_named_in(store.path / "defects" / "model.npz", spec),
        lambda: pool.for_column(known),
        lambda: pool.for_text(known),
    ):
        with pytest.raises(EncoderError, match="Python code that would run with your rights"):
            load()
    assert loads == []
    pool.load_named_in(None, spec)  # a model that was made just now
    pool.trust(spec)
    pool.load_named_in(tmp_path / "model.npz", spec)
    monkeypatch.setenv("TAMIS_TRUST_CODE", "1")
    EncoderPool(store).load_named_in(tmp_path / "model.npz", spec)
    assert len(loads) == 2  # the second time it was there


def test_an_encoder_of_other_encoders_makes_no_code_run_either(tmp_path, monkeypatch):
    asked = []

    def load_encoder(spec, *, load=None, **_):
        asked.append(spec)
        return load("py:evil.py:make") if spec.startswith("aligned") else Fake(spec)

    monkeypatch.setattr(registry, "load_encoder", load_encoder)
    with pytest.raises(EncoderError, match="Python code"):
        EncoderPool().load_named_in(tmp_path / "model.npz", "aligned:evil.npz")
    assert asked == ["aligned:evil.npz"]
    EncoderPool().load("aligned:evil.npz")  # a person named it
    assert asked[-1] == "py:evil.py:make"


def test_what_a_request_names_is_trusted(tmp_path):
    store = Store.create(tmp_path / "d.tamis")
    workspace = Workspace(store)
    with pytest.raises(TamisError):
        execute(workspace, Search("owl", encoder="py:evil.py:make"))
    assert workspace.encoders._trusted == {"py:evil.py:make"}


def test_a_file_may_name_any_encoder_that_is_no_code(tmp_path, loads):
    EncoderPool().load_named_in(tmp_path / "model.npz", "bundled:efficientnet-lite0")
    assert len(loads) == 1


def test_what_is_released_is_loaded_again_and_what_was_given_stays(loads):
    pool = EncoderPool()
    given = pool.add(Fake("mine:one"))
    first = pool.load("default")
    pool.release()
    assert pool.load("default") is not first
    assert pool.load(given).spec == "mine:one"
    assert len(loads) == 2
