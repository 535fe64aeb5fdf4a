"""Files that are graphs: what is read of them, what is told by their shape, what is refused."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from made_exports import require_openvino
from tamis.encoders import onnx_session
from tamis.encoders.base import FeatureMapEncoder
from tamis.encoders.graph_settings import settings_metadata
from tamis.encoders.onnx_session import OnnxSession
from tamis.encoders.registry import load_encoder
from tamis.errors import EncoderError, OutOfMemoryError, UsageError
from tamis.types import Preprocessing
from tiny_graphs import OPTIONS, SIDE, keep_outputs, save_graph

PIXELS = np.random.default_rng(0).integers(0, 256, (5, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(params=["onnx", "openvino"])
def kind(request):
    if request.param == "openvino":
        require_openvino()
    return request.param


@pytest.fixture
def net(tmp_path):
    return save_graph(tmp_path / "net.onnx")


def load(kind, path, options="", **more):
    given = f"{OPTIONS}&output=vector" + (f"&{options}" if options else "")
    return load_encoder(f"{kind}:{path}?{given}", **more)


def scaled(pixels=PIXELS):
    mean, std = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
    return ((pixels / np.float32(255) - mean) / std).astype(np.float32)


def run(path, values, output="vector"):
    session = onnx_session.onnxruntime.InferenceSession(str(path))
    return session.run([output], {"pixels": values})[0]


def unit(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_pixels_go_in_as_the_options_say(kind, net):
    expected = unit(run(net, scaled().transpose(0, 3, 1, 2)))
    encoder = load(kind, net)
    np.testing.assert_allclose(encoder.embed(PIXELS), expected, atol=1e-5)
    assert encoder.spec == f"{kind}:{net}?{OPTIONS.replace('&', '&output=vector&')}"
    assert (encoder.dim, encoder.device) == (24, "cpu")
    assert encoder.preprocessing == Preprocessing(
        32, 32, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
    )


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT, TensorProto.FLOAT16])
def test_channels_last_are_told_by_the_shape(kind, tmp_path, dtype):
    first = load(kind, save_graph(tmp_path / "first.onnx"))
    last = load(kind, save_graph(tmp_path / "last.onnx", layout="nhwc", dtype=dtype))
    assert last.settings.layout == "nhwc"
    atol = 1e-5 if dtype == TensorProto.FLOAT else 5e-3
    np.testing.assert_allclose(last.embed(PIXELS), first.embed(PIXELS), atol=atol)


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_graph_of_bytes_scales_them_itself_and_needs_no_mean(kind, tmp_path, layout):
    path = save_graph(tmp_path / "net.onnx", layout=layout, dtype=TensorProto.UINT8)
    values = PIXELS.transpose(0, 3, 1, 2) if layout == "nchw" else PIXELS
    expected = unit(run(path, np.ascontiguousarray(values)))
    encoder = load_encoder(f"{kind}:{path}?output=vector")
    np.testing.assert_allclose(encoder.embed(PIXELS), expected, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_fixed_batch_is_fed_in_pieces(kind, tmp_path, batch):
    free = load(kind, save_graph(tmp_path / "free.onnx"))
    fixed = load(kind, save_graph(tmp_path / "fixed.onnx", batch=batch))
    assert fixed.settings.batch == batch
    np.testing.assert_allclose(fixed.embed(PIXELS), free.embed(PIXELS), atol=1e-5)


def test_a_batch_can_be_asked_for(kind, net):
    encoder = load(kind, net, "batch=2")
    np.testing.assert_allclose(encoder.embed(PIXELS), load(kind, net).embed(PIXELS), atol=1e-5)
    with pytest.raises(UsageError, match=r"batch of .* is 0; it must be at least 1"):
        load(kind, net, "batch=0")


def test_outputs_of_every_shape_give_vectors(kind, net):
    tokens = run(net, scaled().transpose(0, 3, 1, 2), "tokens")
    expected = {
        "output=square": run(net, scaled().transpose(0, 3, 1, 2)),
        "output=tokens&pooling=cls": tokens[:, 0],
        "output=tokens&pooling=mean": tokens[:, 1:].mean(axis=1),
        "output=tokens&pooling=mean&prefix=1": tokens[:, 1:].mean(axis=1),
        "output=places&pooling=mean": tokens[:, 1:].mean(axis=1),
    }
    for options, rows in expected.items():
        vectors = load_encoder(f"{kind}:{net}?{OPTIONS}&{options}").embed(PIXELS)
        np.testing.assert_allclose(vectors, unit(rows), atol=1e-5, err_msg=options)


def test_maps_of_places_and_of_tokens_are_the_same_place_by_place(kind, net):
    encoder = load(kind, net, "maps=tokens,places")
    assert isinstance(encoder, FeatureMapEncoder)
    assert encoder.feature_levels == ("tokens", "places")
    maps = encoder.feature_maps(PIXELS)
    assert maps.shape == (5, 4, 4, 16)
    np.testing.assert_array_equal(maps, encoder.feature_maps(PIXELS, "places"))
    np.testing.assert_allclose(maps, encoder.feature_maps(PIXELS, "tokens"), atol=1e-6)
    assert not isinstance(load(kind, net), FeatureMapEncoder)
    with pytest.raises(UsageError, match="is no map of places"):
        load(kind, net, "maps=vector").feature_maps(PIXELS)


def test_the_only_output_needs_no_name(kind, net):
    keep_outputs(net, "vector")
    assert load_encoder(f"{kind}:{net}?{OPTIONS}").dim == 24


def test_metadata_stands_for_options_and_options_win(kind, net):
    preprocessing = Preprocessing(
        32, 32, "squash", 0.9, "bilinear", (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "even"
    )
    model = onnx.load(net)
    said = settings_metadata(preprocessing, ("places",), {"output": "vector", "layout": "nchw"})
    helper.set_model_props(model, said)
    onnx.save(model, net)
    encoder = load_encoder(f"{kind}:{net}")
    assert encoder.preprocessing == preprocessing
    assert encoder.feature_levels == ("places",)
    assert load_encoder(f"{kind}:{net}?mode=pad").preprocessing.mode == "pad"
    helper.set_model_props(model, {**said, "tamis.format": "2"})
    onnx.save(model, net)
    with pytest.raises(EncoderError, match="written by a later tamis"):
        load_encoder(f"{kind}:{net}")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("output=vector", "does not say how they are scaled; give .* mean=.485"),
        (f"{OPTIONS}", "has 4 outputs; say which has the vector, output=NAME: vector"),
        (f"{OPTIONS}&output=attic", "has no output 'attic'; it has: vector"),
        (f"{OPTIONS}&output=vector&maps=attic", "has no output 'attic'"),
        (f"{OPTIONS}&output=tokens", "give pooling=cls or pooling=mean"),
        (f"{OPTIONS}&output=places", "more than one vector a picture; give pooling=mean"),
        (f"{OPTIONS}&output=places&pooling=cls", "give pooling=mean"),
        (f"{OPTIONS}&output=vector&pooling=mean", "one vector a picture already; leave out"),
        (f"{OPTIONS}&output=tokens&pooling=mean&prefix=5", "make no grid .* give prefix=N"),
        (f"{OPTIONS}&output=vector&layout=nhwc", "in layout nhwc has 32 channels"),
        (f"{OPTIONS}&output=vector&size=48", "takes pictures of 32 x 32 pixels; leave out size"),
        (f"{OPTIONS}&output=vector&crop_fraction=0", "crop_fraction of .* is 0.0, not in"),
        (f"{OPTIONS}&output=vector&batch=x", "batch=x in .* cannot be read"),
        ("mean=.5,.5&std=.5&output=vector", "mean of .* has 2 values; give 1 or 3"),
        ("mean=.5&std=0&output=vector", "std of .* has a zero"),
        (f"{OPTIONS}&output=vector&colour=1", "has no option 'colour'"),
        (f"{OPTIONS}&output=vector&threads=0", "threads is 0"),
    ],
)
def test_what_cannot_be_told_or_does_not_fit_is_refused(kind, net, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        load_encoder(f"{kind}:{net}?{options}")


def test_a_size_that_is_free_must_be_given(kind, tmp_path):
    path = save_graph(tmp_path / "net.onnx", side="side")
    with pytest.raises(UsageError, match="any size; say which with size=N"):
        load(kind, path)
    with pytest.raises(UsageError, match=r"size of .* must be N or HEIGHT,WIDTH"):
        load(kind, path, "size=0")
    assert load(kind, path, "size=32").embed(PIXELS).shape == (5, 24)


def test_a_layout_that_the_shape_does_not_tell_must_be_given(tmp_path):
    path = save_graph(tmp_path / "net.onnx", channels="channels")
    with pytest.raises(UsageError, match="give layout=nchw or layout=nhwc"):
        load("onnx", path)
    assert load("onnx", path, "layout=nchw").dim == 24


def test_weights_in_a_file_of_their_own_count(kind, tmp_path):
    inside = load(kind, save_graph(tmp_path / "inside" / "net.onnx"))
    path = save_graph(tmp_path / "beside" / "net.onnx", external=True)
    beside = load(kind, path)
    np.testing.assert_allclose(beside.embed(PIXELS), inside.embed(PIXELS), atol=1e-6)
    weights = path.with_name("net.onnx.data")
    numbers = np.fromfile(weights, np.float32)
    (numbers * 2).tofile(weights)
    assert load(kind, path).fingerprint != beside.fingerprint
    weights.unlink()
    with pytest.raises(EncoderError, match=r"in a file of their own, net.onnx.data"):
        load(kind, path)


def test_weights_outside_of_the_folder_are_refused(kind, tmp_path):
    path = save_graph(tmp_path / "net.onnx", external=True)
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = "../net.onnx.data"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EncoderError, match="outside of its own folder"):
        load(kind, path)


def test_a_fingerprint_covers_all_that_changes_a_vector(kind, net, tmp_path):
    other = save_graph(tmp_path / "other.onnx", seed=1)
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(net.read_bytes())
    assert load(kind, copy).fingerprint == load(kind, net).fingerprint
    assert load(kind, net, "maps=places&batch=2").fingerprint == load(kind, net).fingerprint
    prints = [load(kind, path).fingerprint for path in (net, other)]
    prints += [load(kind, net, option).fingerprint for option in ("mode=pad", "crop_rounding=even")]
    prints += [
        load_encoder(f"{kind}:{net}?{OPTIONS}&{rest}").fingerprint
        for rest in ("output=square", "output=tokens&pooling=cls", "output=tokens&pooling=mean")
    ]
    assert len(set(prints)) == len(prints)


def test_two_runtimes_of_one_file_are_two_encoders(net):
    require_openvino()
    first, second = load("onnx", net), load("openvino", net)
    assert first.fingerprint != second.fingerprint
    np.testing.assert_allclose(first.embed(PIXELS), second.embed(PIXELS), atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"junk", b"\x08\x08", "half"])
def test_a_damaged_file_is_named(kind, net, content, capfd):
    whole = net.read_bytes()
    net.write_bytes(whole[: len(whole) // 2] if content == "half" else content)
    with pytest.raises(EncoderError, match=r"net.onnx"):
        load(kind, net)
    assert capfd.readouterr() == ("", "")


def test_a_missing_file_is_named(kind, tmp_path):
    with pytest.raises(EncoderError, match=f"there is no file .*write  {kind}:path/to/net.onnx"):
        load(kind, tmp_path / "attic.onnx")


def test_an_operator_that_the_runtime_lacks_is_named(kind, tmp_path, capfd):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Frobnicate", ["pixels"], ["vector"], domain="attic")],
        "odd",
        [value("pixels", TensorProto.FLOAT, ["b", 3, 32, 32])],
        [value("vector", TensorProto.FLOAT, ["b", 8])],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("attic", 1)]
    path = tmp_path / "odd.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    with pytest.raises(EncoderError, match=r"cannot load .*Frobnicate"):
        load(kind, path)
    assert capfd.readouterr() == ("", "")


def test_what_takes_no_pictures_is_refused(kind, tmp_path):
    value = helper.make_tensor_value_info
    for number, (inputs, sentence) in enumerate(
        [
            ([("a", TensorProto.INT64, ["b", 12])], "is no batch of pictures"),
            ([("a", TensorProto.FLOAT, ["b", 3, 4, 4, 4])], "is no batch of pictures"),
            (
                [(name, TensorProto.FLOAT, ["b", 3, 8, 8]) for name in "ab"],
                "takes 2 inputs .* export only the part",
            ),
        ]
    ):
        names = [name for name, *_ in inputs]
        node = helper.make_node("Identity" if len(names) == 1 else "Add", names, ["y"])
        ports = [value(*port) for port in inputs]
        graph = helper.make_graph([node], "g", ports, [value("y", *inputs[0][1:])])
        path = tmp_path / f"{number}.onnx"
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
        with pytest.raises(EncoderError, match=sentence):
            load_encoder(f"{kind}:{path}")


def test_a_graph_that_works_for_one_picture_alone_says_what_helps(kind, tmp_path):
    path = save_graph(tmp_path / "net.onnx", batch=1)
    model = onnx.load(path)
    for port in (*model.graph.input, *model.graph.output):
        port.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(model, path)
    encoder = load(kind, path)
    with pytest.raises(EncoderError, match=r"fails on float32 of shape .* give batch=N"):
        encoder.embed(PIXELS)
    assert load(kind, path, "batch=1").embed(PIXELS).shape == (5, 24)


@pytest.mark.parametrize("said", ["Failed to allocate memory for requested buffer", "bad_alloc"])
def test_too_large_a_batch_is_told_apart_from_failure(net, monkeypatch, said):
    encoder = load("onnx", net)

    class Full:
        def run(self, *_):
            raise onnx_session.states.RuntimeException(said)

    monkeypatch.setattr(encoder._session, "_session", Full())
    with pytest.raises(OutOfMemoryError, match="ran out of memory on cpu"):
        encoder.embed(PIXELS)


def test_onnx_runs_where_the_runtime_can(net):
    for device, sentence in (("cuda", "onnxruntime-gpu"), ("mps", "no device 'mps'")):
        if device == "cuda" and "CUDAExecutionProvider" in (
            onnx_session.onnxruntime.get_available_providers()
        ):
            continue
        with pytest.raises(UsageError, match=sentence):
            load("onnx", net, device=device)
    assert OnnxSession(net, threads=1).width("vector") == 24


class TestOpenVino:
    @pytest.fixture(autouse=True)
    def _needs(self):
        require_openvino()

    def test_its_precision_is_float32_unless_asked(self, net):
        from tamis.encoders.openvino_session import OpenVinoSession

        session = OpenVinoSession(net)
        assert session._compiled.get_property("INFERENCE_PRECISION_HINT").to_string() == "f32"
        assert session._compiled.get_property("DYNAMIC_QUANTIZATION_GROUP_SIZE") == 0
        with pytest.raises(UsageError, match="precision is 'int8'"):
            OpenVinoSession(net, precision="int8")

    def test_bfloat16_needs_a_processor_that_has_it(self, net):
        from tamis.encoders.openvino_session import _core

        if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            asked = load("openvino", net, "precision=bfloat16")
            assert asked.fingerprint != load("openvino", net).fingerprint
            return
        with pytest.raises(UsageError, match=r"this processor has no bfloat16 .*FP32"):
            load("openvino", net, "precision=bfloat16")

    def test_calls_run_beside_each_other_in_as_many_streams_as_threads_leave(self, net):
        from tamis.encoders.openvino_session import OpenVinoSession
        from tamis.machine import usable_processors

        for threads, streams in ((1, usable_processors()), (None, 1)):
            compiled = OpenVinoSession(net, threads=threads)._compiled
            assert compiled.get_property("NUM_STREAMS") == streams
            assert compiled.get_property("INFERENCE_NUM_THREADS") == usable_processors()

    def test_it_runs_on_the_processor_alone(self, net):
        with pytest.raises(UsageError, match="runs on the processor, not on 'cuda'"):
            load("openvino", net, device="cuda")

    def test_other_files_are_refused(self, tmp_path):
        (tmp_path / "net.tflite").write_bytes(b"x")
        with pytest.raises(EncoderError, match="is not read by openvino:"):
            load("openvino", tmp_path / "net.tflite")
        (tmp_path / "net.xml").write_bytes(b"<net/>")
        with pytest.raises(EncoderError, match=r"must lie beside it, in net.bin"):
            load("openvino", tmp_path / "net.xml")
        (tmp_path / "net.bin").write_bytes(b"x")
        for content in (b"<net/>", b"", b"<net><layers>", b"<net></net>"):
            (tmp_path / "net.xml").write_bytes(content)
            with pytest.raises(EncoderError, match=r"net\.xml"):
                load("openvino", tmp_path / "net.xml")

    def test_nothing_is_reported_to_anybody(self, tmp_path):
        import subprocess
        import sys

        code = (
            "import sys, tamis.encoders.openvino_session, tamis.encoders.openvino_export\n"
            "print('openvino_telemetry' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", code],
            env={"HOME": str(tmp_path), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["False"]
        assert done.stderr == ""
        assert not list(tmp_path.iterdir())
