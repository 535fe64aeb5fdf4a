"""What can run encoders here, told without loading it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tamis.encoders import runtimes
from tamis.encoders.runtimes import find_runtimes, is_in_hub_cache


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("variable", "below"),
    [
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
        ("HOME", ".cache/huggingface/hub"),
    ],
)
def test_the_hubs_cache_is_where_its_variables_say(tmp_path, monkeypatch, variable, below):
    monkeypatch.setenv(variable, str(tmp_path))
    snapshot = tmp_path / below / "models--owner--name" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    assert not is_in_hub_cache("owner/name")
    (snapshot / "model.safetensors").write_bytes(b"")
    assert is_in_hub_cache("owner/name")
    assert not is_in_hub_cache("owner/other")


def test_what_is_not_installed_has_neither_version_nor_device(monkeypatch):
    version_of = runtimes.version

    def without_torch(package):
        if package == "torch":
            raise runtimes.PackageNotFoundError
        return version_of(package)

    monkeypatch.setattr(runtimes, "version", without_torch)
    found = {runtime.name: runtime for runtime in find_runtimes()}
    assert (found["torch"].version, found["torch"].devices) == ("", ())
    assert found["onnxruntime"].version
    assert found["onnxruntime"].devices == ("cpu",)


def test_listing_loads_no_runtime_where_there_is_no_sign_of_a_gpu():
    if any(runtimes.Path(place).exists() for place in runtimes._GPU_FILES):
        pytest.skip("there is a GPU")
    if sys.platform != "linux":
        pytest.skip("elsewhere PyTorch is asked")
    code = (
        "import sys; from tamis.encoders.runtimes import find_runtimes; find_runtimes(); "
        "sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
