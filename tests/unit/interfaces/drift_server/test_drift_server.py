"""The drift server as its clients see it: routes, verdicts, limits, what is refused."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from drift_pictures import picture
from live_references import reference_of, usual, watching
from mosaic_encoder import Mosaic
from tamis.errors import StorageError, UsageError
from tamis.interfaces.drift_server import bodies
from tamis.interfaces.drift_server.app import Limits, drift_app
from tamis.interfaces.drift_server.metrics import exposed
from tamis.interfaces.drift_server.rate_limit import RateLimit
from tamis.interfaces.drift_server.serve import named_references, token_of
from tamis.interfaces.server.security import Door
from tamis.services.drift.live.delivery import Delivery, Hooks
from tamis.services.drift.live.state import LiveAlarm, LiveState

TOKEN = "a-token-for-tests-only"
OF = "/v1/references/line"
ENCODER = Mosaic()


def served(folder, references, *, limits=None, token=TOKEN):
    """A client of a server of references."""
    delivery = Delivery(folder, Hooks())
    live = watching(folder / "state", references, told=delivery.put)
    app = drift_app(
        live,
        delivery,
        Door(TOKEN, 8765, public=frozenset({"/health"})),
        encoder_of=lambda _reference: ENCODER,
        limits=limits or Limits(body=300_000),
        version="1.0",
    )
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    client = TestClient(app, "http://127.0.0.1:8765", headers=headers)
    client.live = live
    return client


def bytes_of(image):
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


def garbled(archive):
    """The same with other packed bytes, which no longer unpack."""
    name = archive.index(b"a") + 1
    return archive[:name] + b"\xff" * 8 + archive[name + 8 :]


def zipped(files):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return held.getvalue()


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """A reference of vectors, and one of pictures."""
    folder = tmp_path_factory.mktemp("lines")
    pixels = [
        np.asarray(picture(seed).resize((8, 8))).reshape(-1).astype(np.float32) - 100
        for seed in range(60)
    ]
    seen = reference_of(folder / "seen.npz", vectors=np.stack(pixels), encoder=ENCODER)
    return {"line": reference_of(folder / "line.npz"), "seen": seen}


@pytest.fixture
def client(tmp_path, lines):
    client = served(tmp_path, lines)
    yield client
    client.live.close()


def post(client, rows, **more):
    return client.post(f"{OF}/vectors", json={"vectors": rows.tolist(), **more})


# Verdicts


def test_vectors_in_verdict_out(client):
    calm = post(client, usual(0, 50)).json()
    assert (calm["counted"], calm["drift"], calm["raised"]) == (50, False, [])
    for at in range(5):
        last = post(client, usual(10 + at, 20, shift=3), ids=[f"{at}-{n}" for n in range(20)])
        if last.json()["raised"]:
            break
    verdict = last.json()
    assert verdict["drift"]
    (alarm,) = verdict["raised"]
    assert verdict["alarm"] == alarm
    assert re.fullmatch(r"\d-\d+", alarm["picture"])
    assert client.get(OF).json()["drift"]
    window = client.get(f"{OF}/window").json()
    assert window["drift"]
    assert window["explanation"]
    assert not client.post(f"{OF}/acknowledge").json()["drift"]
    states = client.get("/v1/references").json()["references"]
    assert [one["reference"] for one in states] == ["line", "seen"]


def test_a_request_that_is_repeated_counts_once(client):
    rows = usual(1, 10)
    first, again = post(client, rows).json(), post(client, rows).json()
    assert (again["counted"], again["repeated_now"]) == (0, 10)
    assert (first["e_value"], first["units"]) == (again["e_value"], again["units"])


def test_an_array_of_numpy_is_the_same_as_json(client):
    held = io.BytesIO()
    np.save(held, usual(2, 10))
    sent = client.post(
        f"{OF}/vectors", content=held.getvalue(), headers={"Content-Type": "application/x-npy"}
    )
    assert sent.json()["counted"] == 10
    assert post(client, usual(2, 10)).json()["repeated_now"] == 10


def test_pictures_in_verdict_out_and_a_bad_one_stops_no_other(client):
    data = bytes_of(picture(500))
    one = client.post("/v1/references/seen/pictures?name=cam.png", content=data).json()
    assert one["counted"] == 1
    files = {f"{n}.png": bytes_of(picture(600 + n)) for n in range(3)}
    sent = client.post(
        "/v1/references/seen/pictures",
        content=zipped({**files, "bad.png": b"no picture"}),
        headers={"Content-Type": "application/zip"},
    ).json()
    assert sent["counted"] == 3
    (failed,) = sent["failed"]
    assert failed["name"].startswith("bad.png#")
    again = client.post("/v1/references/seen/pictures?name=cam.png", content=data).json()
    assert again["repeated_now"] == 1


# What is refused

BAD = {
    b"": "is no JSON",
    b"[1, 2]": "has no vectors",
    b'{"vectors": []}': "shape",
    b'{"vectors": [[1, 2], [3]]}': "equally many numbers",
    b'{"vectors": [["1", "2"]]}': "equally many numbers",
    b'{"vectors": [[true, false]]}': "equally many numbers",
    b'{"vectors": [[1, 2, 3]]}': "24 dimensions",
    b'{"vectors": [[1e999]], "ids": ["a"]}': "length inf",
    b'{"vectors": [[NaN]]}': "length nan",
    b'{"vectors": [[1e30, 1e30]]}': "length inf",
    b'{"vectors": {"a": 1}}': "equally many numbers",
    b'{"vectors": [[1]], "colour": 1}': "no field 'colour'",
    b'{"vectors": [[1]], "ids": "a"}': "ids are a list of texts",
    b'{"vectors": [[1]], "ids": [""]}': "1 to 500 characters",
    b'{"vectors": [[1]], "ids": ["\\ud800"]}': "characters of Unicode",
    b'{"vectors": [[1]], "ids": ["a", "b"]}': "2 pictures and vectors of shape",
    b'{"vectors": [[1]], "series": 7}': "the series is a text",
    b'{"vectors": [[1]], "figures": [1]}': "figures are lists",
    b'{"vectors": [[1]], "figures": {"size": ["x"]}}': "figures are lists",
    b'{"vectors": [[1]], "figures": {"size": [1e39]}}': "figures are lists",
    b'{"vectors": [[1]], "figures": {"size": [1, 2]}}': "1 pictures and 2 of size",
    b'{"vectors": [[1]], "figures": {"hue": [1]}}': "no figure 'hue'",
    b"[" * 100_000: "is no JSON",
}


@pytest.mark.parametrize("body", BAD, ids=lambda body: body[:40].decode())
def test_wrong_vectors_are_refused_in_a_sentence(client, body):
    sent = client.post(f"{OF}/vectors", content=body)
    assert sent.status_code == 400
    assert BAD[body] in sent.json()["error"]
    assert client.get(OF).json()["pictures"] == 0


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        ("application/octet-stream", b"", "the request is empty"),
        ("image/png", b"no picture", "not a picture"),
        ("application/zip", b"no zip", "the zip cannot be read"),
        ("application/zip", garbled(zipped({"a": b"picture" * 99})), "the zip cannot be read"),
        ("application/zip", zipped({}), "0 files"),
        ("application/zip", zipped({f"{n}": b"" for n in range(1001)}), "1001 files"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(client, kind, body, said):
    sent = client.post("/v1/references/seen/pictures", content=body, headers={"Content-Type": kind})
    assert sent.status_code == 400
    assert said in sent.json()["error"]


def test_large_bodies_are_refused(client):
    assert client.post(f"{OF}/vectors", content=b" " * 300_001).status_code == 413
    bomb = zipped({"a": bytes(11 << 20)})
    assert len(bomb) < 100_000
    sent = client.post(
        "/v1/references/seen/pictures", content=bomb, headers={"Content-Type": "application/zip"}
    )
    assert sent.status_code == 413
    assert "ten times" in sent.json()["error"]


def test_too_many_requests_are_refused_for_a_while(tmp_path, lines):
    now = [0.0]
    client = served(tmp_path, lines)
    client.live.close()
    limited = RateLimit(client.app, 2.0, clock=lambda: now[0])
    asks = TestClient(limited, "http://127.0.0.1:8765")
    assert [asks.get("/health").status_code for _ in range(11)] == [200] * 10 + [429]
    refused = asks.get("/health")
    assert refused.headers["Retry-After"] == "1"
    assert "wait 0.50 s" in refused.json()["error"]
    now[0] = 0.5
    assert asks.get("/health").status_code == 200


def test_a_disk_that_refuses_counts_nothing_and_is_told(client, monkeypatch):
    def refuse(*_):
        raise StorageError("cannot write: no space left on device")

    monkeypatch.setattr("tamis.services.drift.live.journal.Journal.append", refuse)
    sent = post(client, usual(3, 5))
    assert sent.status_code == 503
    assert "no space left" in sent.json()["error"]
    monkeypatch.undo()
    assert post(client, usual(3, 5)).json()["counted"] == 5


# The description, and the door


def test_every_route_of_the_description_wants_the_token_and_answers_as_described(client, lines):
    description = client.get("/openapi.json").json()
    stranger = TestClient(client.app, "http://127.0.0.1:8765")
    wrong = {"Authorization": "Bearer wrong"}
    foreign = {"Host": "evil.example:8765"}
    schemas = description["components"]["schemas"]
    rows = {"vectors": usual(4, 40).tolist()}
    post(client, usual(5, 40))
    seen = 0
    for path, methods in description["paths"].items():
        place = path.replace("{name}", "line")
        for method, operation in methods.items():
            if method == "parameters":
                continue
            seen += 1
            body = {"json": rows} if place.endswith("vectors") else {}
            if place.endswith("pictures"):
                place = place.replace("line", "seen")
                body = {"content": bytes_of(picture(700))}
            assert client.request(method, place, headers=foreign, **body).status_code == 403
            assert (
                client.request(
                    method, place, headers={"Origin": "http://evil.example"}, **body
                ).status_code
                == 403
            )
            if operation.get("security") != []:
                assert stranger.request(method, place, **body).status_code == 401
                denied = stranger.request(method, place, headers=wrong, **body)
                assert denied.status_code == 403
            answer = client.request(method, place, **body)
            assert answer.status_code == 200, (place, answer.text)
            assert "access-control-allow-origin" not in answer.headers
            said = operation["responses"]["200"]["content"]
            (kind,) = said
            assert answer.headers["content-type"].startswith(kind)
            if kind == "application/json":
                check_schema(answer.json(), said[kind]["schema"], schemas)
    routes = {route.path for route in client.app._app._app._app.routes}
    assert routes - {"/openapi.json"} == set(description["paths"])
    assert seen == 8
    missing = client.get("/v1/references/lime")
    assert missing.status_code == 404
    assert missing.json()["error"] == "there is no reference 'lime'; there are line, seen"
    assert client.get(f"{OF}/vectors").status_code == 405


def check_schema(value, schema, schemas):
    """What is needed of JSON Schema to hold answers to their description."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    for part in schema.get("allOf", ()):
        check_schema(value, part, schemas)
    if "anyOf" in schema:
        failures = 0
        for part in schema["anyOf"]:
            try:
                check_schema(value, part, schemas)
            except AssertionError:
                failures += 1
        assert failures < len(schema["anyOf"]), (value, schema)
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    if isinstance(schema.get("type"), str):
        assert isinstance(value, kinds[schema["type"]]), (value, schema)
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value)
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                check_schema(value[name], inner, schemas)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for one in value:
            check_schema(one, schema["items"], schemas)


def test_metrics_tell_of_each_reference_and_each_answer(client):
    post(client, usual(6, 7))
    client.post(f"{OF}/vectors", content=b"")
    text = client.get("/metrics").text
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["tamis_drift_pictures_total", "line"] == 7
    assert found["tamis_drift_in_alarm", "line"] == 0
    assert found["tamis_drift_requests_total", "/v1/references/{name}/vectors", "200"] == 1
    assert found["tamis_drift_requests_total", "/v1/references/{name}/vectors", "400"] == 1
    assert found["tamis_drift_e_value_for_alarm", "line"] == pytest.approx(40)


def test_each_metric_is_the_figure_that_its_name_says(tmp_path):
    state = LiveState(
        "line", drift=True, e_value=1000.0, e_value_for_alarm=40.0, pictures=101, units=102,
        repeated=103, waiting=104, window=105, alarms=106, alarm=None, lasting=107, history=(),
        encoder="test:made", dimensions=8, block_length=1, reference_pictures=108,
    )  # fmt: skip
    delivery = Delivery(tmp_path, Hooks(("true",)))
    delivery.put(LiveAlarm("line", 1, "p", None, 40.0, (), 1, 0.0))
    delivery.delivered, delivery.failures = 201, 202
    text = exposed([state], delivery, {("/metrics", 200): 301}, failed=302).decode()
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    found = {
        name.partition("{")[0].removeprefix("tamis_drift_"): float(value)
        for name, _, value in lines
        if "_created" not in name
    }
    assert found == {
        "in_alarm": 1, "e_value": 1000, "log10_e_value": 3, "e_value_for_alarm": 40,
        "window_pictures": 105, "waiting_pictures": 104, "pictures_total": 101,
        "repeated_total": 103, "alarms_total": 106, "requests_total": 301,
        "failed_pictures_total": 302, "deliveries_total": 201, "delivery_failures_total": 202,
        "deliveries_waiting": 1,
    }  # fmt: skip


def test_the_dashboard_asks_for_metrics_that_there_are(client):
    post(client, usual(6, 7))
    metrics = client.get("/metrics").text
    there = {
        sample.name
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    }
    root = Path(__file__).resolve().parents[4]
    asked = re.findall(
        r"tamis_drift_\w+", (root / "deploy/drift/grafana-dashboard.json").read_text()
    )
    assert set(asked) <= there
    assert len(set(asked)) > 8


# References, tokens


def test_references_have_names_of_their_own(tmp_path, lines):
    line = lines["line"].path
    assert list(named_references([str(line), f"other={line}"], tmp_path)) == ["line", "other"]
    for words, said in (
        ([str(line), str(line)], "two references are called 'line'"),
        ([f"a/b={line}"], "cannot be called 'a/b'"),
    ):
        with pytest.raises(UsageError, match=said):
            named_references(words, tmp_path)


def test_a_token_is_made_once_for_its_owner_alone(tmp_path):
    token, place = token_of(None, tmp_path / "state")
    assert token_of(None, tmp_path / "state") == (token, place)
    assert place.stat().st_mode & 0o777 == 0o600
    (tmp_path / "short").write_text("abc")
    with pytest.raises(UsageError, match="under 16 characters"):
        token_of(tmp_path / "short", tmp_path)


def test_names_of_pictures_hold_their_content_too():
    assert bodies._named("cam.png", b"a") != bodies._named("cam.png", b"b")
    assert bodies._named("", b"a") == bodies._named("\ud800", b"a")
