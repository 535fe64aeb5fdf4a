"""The container file and its companions, as far as that can be checked without containers."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from tamis.interfaces.cli.main import main
from tamis.interfaces.drift_server import serve as serving
from tamis.interfaces.drift_server.openapi import description

ROOT = Path(__file__).resolve().parents[4]
FOLDER = ROOT / "deploy" / "drift"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVER = COMPOSE["services"]["tamis-drift"]


def steps():
    """Instructions of the container file, by their word."""
    text = re.sub(r"\\\n", " ", (FOLDER / "Containerfile").read_text("utf-8"))
    lines = [line.partition(" ") for line in text.splitlines() if line and line[0] != "#"]
    return {word: rest for word, _, rest in lines}


@pytest.mark.parametrize("extra", [json.loads(steps()["CMD"]), SERVER["command"]])
def test_the_command_is_one_that_tamis_takes(extra, monkeypatch):
    asked = {}
    monkeypatch.setattr(
        serving, "named_references", lambda given, _dataset: asked.update(references=given)
    )
    monkeypatch.setattr(serving, "serve_drift", lambda _found, options: asked.update(how=options))
    program, *words = json.loads(steps()["ENTRYPOINT"])
    assert program == "tamis"
    assert main([*words, *extra]) == 0
    how = asked["how"]
    assert (how.host, how.state) == ("0.0.0.0", Path(steps()["VOLUME"]))
    assert str(how.port) == steps()["EXPOSE"] == SERVER["ports"][0].rpartition(":")[2]
    mounted = [volume.split(":")[1] for volume in SERVER["volumes"]]
    assert str(Path(asked["references"][0]).parent) in mounted
    assert str(how.state) in mounted
    if how.token_file is not None:
        assert how.token_file.name in SERVER["secrets"]


def test_health_is_asked_where_the_server_tells_it():
    path = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", steps()["HEALTHCHECK"])
    assert path[1] == steps()["EXPOSE"]
    assert description({"line": 8}, "0")["paths"][path[2]]["get"]["security"] == []


def test_prometheus_asks_the_service_with_the_token():
    (job,) = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"{SERVER['hostname']}:{steps()['EXPOSE']}"]
    token = Path(job["authorization"]["credentials_file"])
    assert token.name in COMPOSE["services"]["prometheus"]["secrets"]
    assert set(COMPOSE["secrets"]) == {token.name}
    assert "/metrics" in description({"line": 8}, "0")["paths"]


def test_what_is_built_and_mounted_is_there():
    build = SERVER["build"]
    context = FOLDER / build["context"]
    assert (context / build["dockerfile"]).resolve() == FOLDER / "Containerfile"
    extra = re.search(r"/tmp/tamis\[(\w+)\]", shlex.join(shlex.split(steps()["RUN"])))[1]
    assert re.search(rf"^{extra} = \[", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and source != "./references":
                assert (FOLDER / source).exists()


def test_the_dashboard_has_panels_with_targets_of_one_source():
    board = json.loads((FOLDER / "grafana-dashboard.json").read_text("utf-8"))
    assert board["title"]
    assert board["schemaVersion"] >= 36
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert {"title", "type", "gridPos"} <= set(panel)
        assert all(target["expr"] and target["refId"] for target in panel["targets"])
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
