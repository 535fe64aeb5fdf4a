"""The user's own code as an encoder, and what is said when it does not serve."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError, MissingExtraError, UnknownEncoderError, UsageError
from tamis.types import Preprocessing
from user_networks import CALLABLE, NETWORK, PREPARED, write_callable, write_network

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def net(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "net.py").write_text(NETWORK)
    return f"py:{tmp_path / 'net.py'}"


@pytest.fixture
def functions(tmp_path):
    (tmp_path / "functions.py").write_text(CALLABLE)
    return f"py:{tmp_path / 'functions.py'}"


def reference(tmp_path, reach):
    """What the network computes when run by hand."""
    torch = pytest.importorskip("torch")
    sys.path.insert(0, str(tmp_path))
    try:
        import net
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("net", None)
    values = torch.from_numpy(PIXELS).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        found = reach(net.build().eval(), (values - 0.5) / 0.5).numpy()
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_class_a_function_and_an_object_are_the_same_network(net):
    vectors = [
        load_encoder(f"{net}:{name}?{PREPARED}").embed(PIXELS) for name in ("Net", "build", "net")
    ]
    np.testing.assert_array_equal(vectors[0], vectors[1])
    np.testing.assert_array_equal(vectors[0], vectors[2])


def test_the_output_is_the_networks_own(net, tmp_path):
    found = load_encoder(f"{net}:build?{PREPARED}").embed(PIXELS)
    expected = reference(tmp_path, lambda network, values: network(values))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_penultimate_is_what_enters_the_linear_layer_that_runs_last(net, tmp_path):
    encoder = load_encoder(f"{net}:build?{PREPARED}&layer=penultimate")
    assert encoder.dim == 16

    def reach(network, values):
        return network.middle(network.body(values).mean(dim=(2, 3))).relu()

    np.testing.assert_allclose(encoder.embed(PIXELS), reference(tmp_path, reach), atol=1e-6)


@pytest.mark.parametrize(
    ("pooling", "reach"),
    [
        ("mean", lambda maps: maps.mean(dim=(2, 3))),
        ("max", lambda maps: maps.amax(dim=(2, 3))),
        ("gem3", lambda maps: maps.clamp(min=1e-6).pow(3).mean(dim=(2, 3)).pow(1 / 3)),
    ],
)
def test_a_layer_of_maps_is_pooled_as_asked(net, tmp_path, pooling, reach):
    encoder = load_encoder(f"{net}:build?{PREPARED}&layer=body.3&pooling={pooling}")
    expected = reference(tmp_path, lambda network, values: reach(network.body(values)))
    np.testing.assert_allclose(encoder.embed(PIXELS), expected, atol=1e-5)


def test_tokens_are_pooled_as_asked(net):
    mean = load_encoder(f"{net}:Tokens?{PREPARED}&pooling=mean").embed(PIXELS)
    first = load_encoder(f"{net}:Tokens?{PREPARED}&pooling=cls").embed(PIXELS)
    assert mean.shape == first.shape == (3, 3)
    assert not np.allclose(mean, first)


def test_maps_come_from_the_layer_that_is_named(tmp_path):
    encoder = load_encoder(write_network(tmp_path))
    maps = encoder.feature_maps(PIXELS, "body")
    assert maps.shape == (3, 8, 8, 16)
    assert encoder.feature_levels == ("body",)


def test_weights_come_from_a_file(net, tmp_path):
    torch = pytest.importorskip("torch")
    other = load_encoder(f"{net}:Other?{PREPARED}")
    for state in (other.model.module.state_dict(), {"state_dict": other.model.module.state_dict()}):
        torch.save(state, tmp_path / "weights.pt")
        loaded = load_encoder(f"{net}:build?{PREPARED}&weights={tmp_path / 'weights.pt'}")
        np.testing.assert_array_equal(loaded.embed(PIXELS), other.embed(PIXELS))
    assert loaded.fingerprint != load_encoder(f"{net}:build?{PREPARED}").fingerprint


def test_weights_that_do_not_fit_are_refused(net, tmp_path):
    torch = pytest.importorskip("torch")
    torch.save({"somewhere.weight": torch.zeros(2)}, tmp_path / "other.pt")
    (tmp_path / "damaged.pt").write_bytes(b"no weights")
    for name, words in (
        ("other.pt", "are not those of"),
        ("damaged.pt", "cannot be read as weights"),
        ("absent.pt", "are not at"),
    ):
        with pytest.raises(EncoderError, match=words):
            load_encoder(f"{net}:build?{PREPARED}&weights={tmp_path / name}")


def test_a_fingerprint_covers_code_layer_and_preparation(net, tmp_path):
    specs = [
        f"{net}:build?{PREPARED}",
        f"{net}:build?{PREPARED}&layer=penultimate",
        f"{net}:build?{PREPARED}&layer=middle",
        f"{net}:build?{PREPARED.replace('std=.5', 'std=.4')}",
        f"{net}:build?{PREPARED}&precision=bfloat16",
    ]
    fingerprints = {load_encoder(spec).fingerprint for spec in specs}
    assert len(fingerprints) == len(specs)
    (tmp_path / "net.py").write_text(NETWORK + "\n# edited\n")
    assert load_encoder(specs[0]).fingerprint not in fingerprints


def test_modules_are_found_from_the_current_folder(functions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    try:
        encoder = load_encoder("py:functions:colour_moments")
    finally:
        sys.modules.pop("functions", None)
    assert sys.path == before
    assert encoder.embed(PIXELS).shape == (3, encoder.dim)


def test_a_function_needs_no_torch_and_its_source_is_its_fingerprint(tmp_path):
    spec = write_callable(tmp_path)
    first = load_encoder(spec)
    assert first.preprocessing == Preprocessing(32, 32, "squash")
    assert load_encoder(f"{spec}?mode=pad").preprocessing.mode == "pad"
    (tmp_path / "moments.py").write_text(CALLABLE + "\n# edited\n")
    assert load_encoder(spec).fingerprint != first.fingerprint


def test_an_object_that_is_an_encoder_is_taken_as_it_is(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from tamis.encoders.registry import load_encoder\n"
        "def make():\n    return load_encoder('bundled:efficientnet-lite0', threads=1)\n"
    )
    encoder = load_encoder(f"py:{tmp_path / 'mine.py'}:make")
    assert encoder.spec == "bundled:efficientnet-lite0"
    with pytest.raises(UsageError, match="no option 'size'"):
        load_encoder(f"py:{tmp_path / 'mine.py'}:make?size=3")


@pytest.mark.parametrize(
    ("rest", "error", "words"),
    [
        (":build", UsageError, r"height, width, mean, std missing.*size=224"),
        (":build?size=32", UsageError, "mean, std missing"),
        (f":build?{PREPARED}&layer=attic", UsageError, r"no layer 'attic'.*middle"),
        (f":build?{PREPARED}&layer=body.1", UsageError, "pooling=mean, max or gem3"),
        (f":build?{PREPARED}&layer=body.1&pooling=cls", UsageError, "pooling=mean"),
        (f":Tokens?{PREPARED}", UsageError, "pooling=cls, mean, max or gem3"),
        (f":Tokens?{PREPARED}&layer=penultimate", UsageError, "no linear layer"),
        (f":build?{PREPARED}&maps=middle", UsageError, r"feature maps are \[B, D, h, w\]"),
        (f":Broken?{PREPARED}", EncoderError, "KeyError.*a defect of mine"),
        (f":Words?{PREPARED}", EncoderError, "is a dict, not a tensor"),
        (f":build?{PREPARED.replace('mean=.5,.5,.5', 'mean=.5')}", UsageError, "three numbers"),
        (f":nothing?{PREPARED}", UnknownEncoderError, "has no 'nothing'"),
        ("", UsageError, "py:MODULE:OBJECT"),
    ],
)
def test_networks_that_do_not_serve_are_refused_in_one_sentence(net, rest, error, words):
    with pytest.raises(error, match=words):
        load_encoder(f"{net}{rest}")


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        (":failing?size=8", "ZeroDivisionError: no"),
        (":flat?size=8", r"must be \[B, D\]"),
        (":wrong_count?size=8", r"shape \[1, 4\] for 2 pictures"),
        (":wrong_width?size=8", "gave vectors of 4 numbers, and 3 before"),
        (":number?size=8", "is a int"),
        (":colour_moments?layer=body", "no option 'layer': it is no PyTorch network"),
        (":not_finite?size=8", "not finite"),
    ],
)
def test_functions_that_do_not_serve_are_refused(functions, rest, words):
    with pytest.raises((EncoderError, UsageError), match=words):
        load_encoder(f"{functions}{rest}").embed(np.zeros((3, 8, 8, 3), np.uint8))


def test_modules_that_cannot_be_imported_are_told_apart(tmp_path):
    (tmp_path / "raises.py").write_text("raise ValueError('at import')")
    (tmp_path / "needs.py").write_text("import a_package_that_is_not_there")
    for place, error, words in (
        ("no_such_module_anywhere", UnknownEncoderError, "no module no_such_module_anywhere"),
        (tmp_path / "absent.py", UnknownEncoderError, "does not exist"),
        (tmp_path / "raises.py", EncoderError, "ValueError: at import"),
        (tmp_path / "needs.py", EncoderError, "a_package_that_is_not_there"),
    ):
        with pytest.raises(error, match=words):
            load_encoder(f"py:{place}:thing?size=8")


def test_a_class_with_arguments_needs_a_function_that_makes_it(tmp_path):
    (tmp_path / "mine.py").write_text("class Net:\n    def __init__(self, width): pass\n")
    with pytest.raises(EncoderError, match="needs width"):
        load_encoder(f"py:{tmp_path / 'mine.py'}:Net?size=8")


@pytest.mark.parametrize(
    ("name", "words"), [("Undefined", "not finite"), ("OneVector", r"\[1, 3\]")]
)
def test_networks_whose_numbers_do_not_serve_are_found_when_they_load(net, name, words):
    with pytest.raises(EncoderError, match=words):
        load_encoder(f"{net}:{name}?{PREPARED}")


def test_the_users_exception_is_the_cause(net, functions):
    with pytest.raises(EncoderError) as caught:
        load_encoder(f"{net}:Broken?{PREPARED}")
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(EncoderError) as caught:
        load_encoder(f"{functions}:failing?size=8")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(EncoderError, match="UserWarning: this is getting old"):
        load_encoder(f"{functions}:warning?size=8")  # warnings are errors in the tests


def test_what_a_function_prints_stays_off_stdout(functions, capsys):
    encoder = load_encoder(f"{functions}:talking?size=32")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: encoder.embed(PIXELS), range(8)))
    sys.stdout.write("ours\n")
    printed = capsys.readouterr()
    assert printed.out == "ours\n"
    assert "embedding 3" in printed.err


def test_a_function_may_say_its_own_fingerprint(functions, tmp_path):
    first = load_encoder(f"{functions}:colour_moments?fingerprint=v1")
    assert load_encoder(f"{functions}:colour_moments?fingerprint=v2").fingerprint != (
        first.fingerprint
    )
    (tmp_path / "functions.py").write_text(f"# moved\n{CALLABLE}")
    assert load_encoder(f"{functions}:colour_moments?fingerprint=v1").fingerprint == (
        first.fingerprint
    )


def test_a_network_that_is_an_object_is_not_changed_by_another_spec(net, tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    state = load_encoder(f"{net}:Other?{PREPARED}").model.module.state_dict()
    torch.save(state, tmp_path / "other.pt")
    monkeypatch.chdir(tmp_path)
    try:
        plain = load_encoder(f"py:net:net?{PREPARED}")
        before = plain.embed(PIXELS)
        other = load_encoder(f"py:net:net?{PREPARED}&weights=other.pt")
    finally:
        sys.modules.pop("net", None)
    np.testing.assert_array_equal(plain.embed(PIXELS), before)
    assert not np.allclose(other.embed(PIXELS), before)


def test_a_network_that_cannot_be_copied_is_refused(tmp_path):
    path = tmp_path / "stubborn.py"
    path.write_text(
        "import torch\n"
        "class Net(torch.nn.Linear):\n"
        "    def __deepcopy__(self, memo):\n"
        "        raise RuntimeError('holds a socket')\n"
        "net = Net(3, 4)\n"
    )
    with pytest.raises(EncoderError, match=r"cannot be copied .*holds a socket.*function that"):
        load_encoder(f"py:{path}:net?size=8&mean=0&std=1")


def test_weights_name_what_they_lack(net, tmp_path):
    torch = pytest.importorskip("torch")
    state = load_encoder(f"{net}:Net?{PREPARED}").model.module.state_dict()
    extra = {**state, "extra.weight": torch.zeros(1)}
    del state["body.0.weight"]
    for content, words in ((state, r"lacks body\.0\.weight"), (extra, r"unknown extra\.weight")):
        torch.save(content, tmp_path / "weights.pt")
        with pytest.raises(EncoderError, match=words):
            load_encoder(f"{net}:build?{PREPARED}&weights={tmp_path / 'weights.pt'}")


def test_scores_of_classes_are_said_to_be_so(net):
    assert "scores of its classes" in load_encoder(f"{net}:build?{PREPARED}").note
    assert not load_encoder(f"{net}:build?{PREPARED}&layer=penultimate").note


def test_several_threads_hold_their_own_layers(tmp_path):
    encoder = load_encoder(write_network(tmp_path), threads=1)
    batches = [np.full((2, 32, 32, 3), 20 * n, np.uint8) for n in range(12)]
    expected = [encoder.embed(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            for alone, vectors in zip(expected, pool.map(encoder.embed, batches), strict=True):
                np.testing.assert_array_equal(vectors, alone)


def test_a_file_finds_its_neighbours(tmp_path):
    (tmp_path / "beside_it.py").write_text("SIDE = 32\n")
    (tmp_path / "mine.py").write_text(
        "from beside_it import SIDE\n"
        "def mean(pixels): return pixels.mean(axis=(1, 2))\n"
        "mean.preprocessing = {'size': SIDE}\n"
    )
    try:
        assert load_encoder(f"py:{tmp_path / 'mine.py'}:mean").preprocessing.height == 32
    finally:
        sys.modules.pop("beside_it", None)


def test_code_that_needs_torch_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "mine.py").write_text("import torch\n")
    with pytest.raises(MissingExtraError, match=r"tamis\[hf\]"):
        load_encoder(f"py:{tmp_path / 'mine.py'}:net")
