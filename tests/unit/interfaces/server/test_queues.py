"""Review queues as the server asks them: in order, answered once for all, brought back by undo."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from cell_encoder import Cells
from filling import ingest
from part_pictures import save_parts, with_hole
from served_dataset import sample_id
from tamis.algo.calibration import PairCalibration
from tamis.dataset.store import Store
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.interfaces.server.queues.item import Record
from tamis.interfaces.server.queues.room import _pace
from tamis.interfaces.server.session import Session
from tamis.runtime.workspace import execute
from tamis.services.defects.contract import DefectsFit, DefectsScore
from tamis.services.drift.contract import DriftCheck, DriftFit
from tamis.services.drift.result import DriftCluster, DriftExample, DriftHarm
from tamis.services.duplicates.result import DuplicateReport, Group, Pair, Region
from tamis.services.labeling.contract import MislabelReport, Suspect
from tamis.types import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

IDS = [sample_id(number) for number in range(12)]


def pair(left: int, right: int, score: float, verdict: Verdict) -> Pair:
    regions = [Region((1, 2, 3, 4), (5, 6, 7, 8))] if verdict == Verdict.CHANGED else []
    return Pair(
        left=f"{left}.jpg",
        right=f"{right}.jpg",
        score=score,
        verdict=verdict,
        region=regions[0] if regions else None,
        kind="near",
        regions=regions,
        left_id=IDS[left],
        right_id=IDS[right],
    )


def copies() -> DuplicateReport:
    """Three copies of one picture, a changed version, and a pair of which nothing tells."""
    group = Group(
        keep="1.jpg",
        drop=["0.jpg", "2.jpg"],
        verdict=Verdict.COPY,
        members=["1.jpg", "0.jpg", "2.jpg"],
        scores=[0.99, 0.91],
        kinds=["near", "near"],
        reasons=["more pixels", "sharper"],
        ids=[IDS[1], IDS[0], IDS[2]],
    )
    pairs = [
        pair(0, 1, 0.99, Verdict.COPY),
        pair(0, 2, 0.95, Verdict.COPY),
        pair(1, 2, 0.91, Verdict.COPY),
        pair(3, 4, 0.5, Verdict.CHANGED),
        pair(5, 6, 0.9, Verdict.UNDECIDED),
    ]
    calibration = PairCalibration.__new__(PairCalibration)
    return DuplicateReport(
        threshold=0.9,
        changed_threshold=0.4,
        calibration=calibration,
        pairs=pairs,
        groups=[group],
        verdicts={},
        pictures=12,
        candidates=5,
        encoder="bundled:small",
        column="vector_x",
        recall=1.0,
    )


def found(session: Session, page: TestClient, monkeypatch: Any, queue: str, result: Any) -> None:
    """Let the work of a queue find something."""
    monkeypatch.setattr(session, "do_alone", lambda _request, _feedback: result)
    job = page.post(f"/api/queues/{queue}", json={}).json()["job"]
    assert session.jobs.of(job["number"]).over.wait(60)


def asked(page: TestClient, queue: str, **params: Any) -> dict[str, Any]:
    document: dict[str, Any] = page.get(f"/api/queues/{queue}", params=params).json()
    return document


def reply(page: TestClient, queue: str, item: dict[str, Any], answer: str, **more: Any) -> Any:
    body = {"key": item["key"], "answer": answer, **more}
    got = page.post(f"/api/queues/{queue}/answers", json=body)
    assert got.status_code == 200, got.text
    return got.json()


def test_pairs_come_with_regions_and_the_one_that_stays(
    session: Session, page: TestClient, monkeypatch: Any
) -> None:
    assert not asked(page, "pairs")["found"]
    found(session, page, monkeypatch, "pairs", copies())
    document = asked(page, "pairs")
    pairs = [tuple(IDS.index(side["ids"][0]) for side in one["sides"]) for one in document["items"]]
    # what is least certain comes first; a pair that others settle is not asked about
    assert pairs == [(5, 6), (1, 2), (3, 4), (0, 1)]
    changed, last = document["items"][2], document["items"][3]
    assert [side["regions"] for side in changed["sides"]] == [[[1, 2, 3, 4]], [[5, 6, 7, 8]]]
    assert [one["answer"] for one in changed["choices"] if one["suggested"]] == ["both"]
    assert [one["answer"] for one in last["choices"] if one["suggested"]] == ["right"]
    assert last["sides"][1]["note"] == "more pixels"
    assert document["pictures"][IDS[0]]["path"] == "photos/00000.jpg"


def test_of_a_mirrored_pair_the_one_that_goes_is_shown_mirrored(
    session: Session, page: TestClient, monkeypatch: Any
) -> None:
    report = copies()
    turned = [replace(one, kind="flip") for one in report.pairs]
    found(session, page, monkeypatch, "pairs", replace(report, pairs=turned))
    items = asked(page, "pairs")["items"]
    shown = [[side["mirrored"] for side in one["sides"]] for one in items]
    assert shown == [[False, True], [False, True], [False, True], [True, False]]
    assert items[3]["sides"][0]["note"] == "shown mirrored"


def test_an_answer_never_comes_back_and_undo_brings_it_back(
    session: Session, page: TestClient, dataset: Path, monkeypatch: Any
) -> None:
    found(session, page, monkeypatch, "pairs", copies())
    items = asked(page, "pairs")["items"]
    answered = reply(page, "pairs", items[3], "right")
    assert answered["left"] == 3
    assert [one["key"] for one in asked(page, "pairs")["items"]] == [
        one["key"] for one in items[:3]
    ]
    row = Store.open(dataset).read(["duplicate_of"], where=f"sample_id = '{IDS[0]}'").to_pylist()
    assert row == [{"duplicate_of": IDS[1]}]
    # another server, and the work done again
    later = Session(dataset)
    monkeypatch.setattr(later, "do_alone", lambda _request, _feedback: copies())
    job = later.queues.start("pairs", None)["job"]
    assert later.jobs.of(job["number"]).over.wait(60)
    assert later.queues.document("pairs", 9, None)["left"] == 3
    later.close()
    page.post("/api/verbs/undo", json={})
    assert [one["key"] for one in asked(page, "pairs")["items"]] == [one["key"] for one in items]


def test_suspects_are_asked_until_the_label_is_settled(
    session: Session, page: TestClient, monkeypatch: Any
) -> None:
    def suspect(number: int, score: float) -> Suspect:
        path = f"{number}.jpg"
        return Suspect(path, IDS[number], "cat", "dog", score, "wrong", ["9.jpg"], [IDS[9]])

    report = MislabelReport(
        suspects=[suspect(0, 0.7), suspect(3, 0.9), suspect(4, 0.8)],
        checked=12,
        kinds={},
        method="knn",
        planted={},
        tag=None,
        tagged=0,
        encoder="bundled:small",
    )
    found(session, page, monkeypatch, "labels", report)
    items = asked(page, "labels")["items"]
    assert [one["sides"][0]["ids"] for one in items] == [[IDS[3]], [IDS[4]], [IDS[0]]]
    assert items[0]["sides"][1]["ids"] == [IDS[9]]
    reply(page, "labels", items[0], "change", label="dog")
    reply(page, "labels", items[1], "change", label="zebra")
    reply(page, "labels", items[2], "keep")
    # the first has another label now: that it was called a cat is settled
    assert session.workspace.samples.rows(["label"], [IDS[3], IDS[4]]).column(0).to_pylist() == [
        "dog",
        "zebra",
    ]
    assert asked(page, "labels")["left"] == 0
    assert asked(page, "labels")["answered"] == 3


def test_propagated_labels_are_asked_by_group_the_least_certain_first(
    session: Session, page: TestClient
) -> None:
    rows = AnnotationRows("propagated")
    unlabelled = [sample_id(number) for number in range(2, 60, 3)]
    for place, name in enumerate(unlabelled):
        rows.add_class(name, "cat" if place < 15 else "dog", 0.5 + place / 100)
    with session.workspace.store.operation("label propagate") as op:
        op.add_annotations(rows.table())
    document = asked(page, "propagated")
    assert [len(one["sides"][0]["ids"]) for one in document["items"]] == [12, 5, 3]
    first = document["items"][0]
    assert first["picked"]
    left_out = first["sides"][0]["ids"][0]
    reply(page, "propagated", first, "accept", label="cat", without=[left_out])
    taken = first["sides"][0]["ids"][1:]
    labels = session.workspace.samples.rows(["label"], taken).column(0).to_pylist()
    assert labels == ["cat"] * 11
    again = asked(page, "propagated")["items"]
    assert left_out in [name for one in again for name in one["sides"][0]["ids"]]
    one = next(one for one in again if left_out in one["sides"][0]["ids"])
    reply(page, "propagated", one, "reject")
    with session.workspace.store.operation("label propagate") as op:
        op.add_annotations(rows_of(left_out))
    again = asked(page, "propagated")["items"]
    assert left_out not in [name for one in again for name in one["sides"][0]["ids"]]


def rows_of(name: str) -> pa.Table:
    rows = AnnotationRows("propagated")
    rows.add_class(name, "cat", 0.9)
    return rows.table()


def test_picks_and_defects_come_from_the_dataset(session: Session, page: TestClient) -> None:
    assert "tamis select" in asked(page, "picks")["lacks"]
    assert "tamis defects" in asked(page, "defects")["lacks"]
    rows = AnnotationRows("defects")
    for place, score in enumerate((1.0, 4.0, 6.0, 30.0)):
        number = SourceAnnotation("", "score", kind="number", value=score)
        rows.add(IDS[place], number, Placed())
        rows.add_class(IDS[place], "anomalous" if score > 5 else "normal")
    with session.workspace.store.operation("made") as op:
        op.set_marks(
            IDS[:3],
            {
                "selected": [True, True, False],
                "selected_rank": pa.array([2, 1, None], pa.int32()),
                "selected_reason": ["far", "near", None],
            },
        )
        op.add_annotations(rows.table())
    picks = asked(page, "picks")["items"]
    assert [(one["sides"][0]["title"], one["facts"]) for one in picks] == [
        ("pick 1", ["near"]),
        ("pick 2", ["far"]),
    ]
    reply(page, "picks", picks[0], "drop")
    assert [one["facts"] for one in asked(page, "picks")["items"]] == [["far"]]
    # nearest to the line first; without a model there is no heat-map and no promised rate
    document = asked(page, "defects")
    assert [one["score"] for one in document["items"]] == [4.0, 6.0, 1.0, 30.0]
    assert document["more"] == {}
    assert [one["score"] for one in asked(page, "defects", threshold=5)["items"]] == [6.0, 30.0]
    reply(page, "defects", document["items"][0], "fine")
    assert asked(page, "defects")["left"] == 3


def test_the_overview_says_what_is_left_and_what_is_missing(page: TestClient) -> None:
    queues = {one["name"]: one for one in page.get("/api/queues").json()["queues"]}
    assert [*queues] == ["pairs", "labels", "propagated", "picks", "leaks", "defects", "drift"]
    assert "drift fit" in queues["drift"]["lacks"]
    assert queues["labels"]["lacks"] is None
    assert queues["labels"]["left"] == 0
    assert page.post("/api/queues/drift", json={}).status_code == 400


def test_a_drift_comes_with_its_checks_kinds_and_figures(
    session: Session, page: TestClient, monkeypatch: Any
) -> None:
    execute(session.workspace, DriftFit(where=f"sample_id < '{sample_id(30)}'"))
    rest = DriftCheck(where=f"sample_id >= '{sample_id(30)}'", permutations=19)
    told = execute(session.workspace, rest)
    # two kinds: one of pictures that are here, one of pictures that another dataset has
    kinds = [
        DriftCluster("new", 0, 9, 0.0, 0.3, 0.002, None, "f" * 32, (), (sample_id(40), "f" * 32)),
        DriftCluster("gone", 8, 0, 0.27, 0.0, 0.004, None, "e" * 32, ("e" * 32,)),
    ]
    harm = DriftHarm(0.9, 0.8, -0.1, -0.14, -0.05, ())
    answer = page.post("/api/questions", json={"where": "sample_id IS NOT NULL"}).json()["answer"]
    told = replace(told, clusters=kinds, harm=harm)
    monkeypatch.setattr(session, "do_alone", lambda _request, _feedback: told)
    job = page.post("/api/queues/drift", json={"answer": answer}).json()["job"]
    assert session.jobs.of(job["number"]).over.wait(60)
    document = asked(page, "drift")
    more = document["more"]
    assert [one["name"] for one in more["kinds"]] == ["New", "Gone"]
    assert more["kinds"][0]["pictures_now"] == [sample_id(40)]
    assert more["kinds"][1]["pictures_before"] == []
    assert [one["name"] for one in more["covariates"]] == [one.name for one in told.covariates]
    assert {*more["covariates"][0]} == {"name", "before", "now", "p"}
    assert more["accuracy"] == {"before": 0.9, "change": -0.1, "low": -0.14, "high": -0.05}
    (past,) = more["checks"]
    assert past["p_value"] == told.p_value
    assert more["alarm"] == 20
    assert [one["sides"][1]["ids"] for one in document["items"]] == [[sample_id(40)], []]


def test_drifted_pictures_without_a_kind_are_asked_about(
    session: Session, page: TestClient, monkeypatch: Any
) -> None:
    execute(session.workspace, DriftFit(where=f"sample_id < '{sample_id(30)}'"))
    rest = DriftCheck(where=f"sample_id >= '{sample_id(30)}'", permutations=19)
    told = execute(session.workspace, rest)
    shown = [DriftExample(f"{one}.jpg", one, 0.5, label=False) for one in (*IDS[3:6], "f" * 32)]
    drifted = replace(told, drift=True, clusters=(), examples=shown)
    monkeypatch.setattr(session, "do_alone", lambda _request, _feedback: drifted)
    answer = page.post("/api/questions", json={"where": "sample_id IS NOT NULL"}).json()["answer"]
    job = page.post("/api/queues/drift", json={"answer": answer}).json()["job"]
    assert session.jobs.of(job["number"]).over.wait(60)
    (item,) = asked(page, "drift")["items"]
    # one is of another dataset
    assert item["sides"][0]["ids"] == IDS[3:6]
    reply(page, "drift", item, "label", without=[IDS[4]])
    assert session.workspace.store.count("array_has(tags, 'to label')") == 2
    assert asked(page, "drift")["left"] == 0


def test_a_kind_that_changed_is_shown_before_and_now(
    session: Session, page: TestClient, monkeypatch: Any
) -> None:
    execute(session.workspace, DriftFit(where=f"sample_id < '{sample_id(30)}'"))
    rest = DriftCheck(where=f"sample_id >= '{sample_id(30)}'", permutations=19)
    told = execute(session.workspace, rest)
    before, now = tuple(IDS[:3]), (sample_id(40), sample_id(41))
    kind = DriftCluster("grew", 3, 9, 0.1, 0.3, 0.002, None, sample_id(40), before, now)
    found_once = replace(told, drift=True, clusters=[kind])
    monkeypatch.setattr(session, "do_alone", lambda _request, _feedback: found_once)
    answer = page.post("/api/questions", json={"where": "sample_id IS NOT NULL"}).json()["answer"]
    job = page.post("/api/queues/drift", json={"answer": answer}).json()["job"]
    assert session.jobs.of(job["number"]).over.wait(60)
    document = asked(page, "drift")
    (item,) = document["items"]
    assert item["asks"] == "More frequent now: 10.0% before, 30.0% now"
    assert [(one["title"], one["ids"]) for one in item["sides"]] == [
        ("before", [*before]),
        ("now", [*now]),
    ]
    assert [one["answer"] for one in item["choices"] if one["suggested"]] == ["label"]
    assert {*before, *now} == {*document["pictures"]}


def heat(page: TestClient, name: str, **params: Any) -> np.ndarray[Any, Any]:
    got = page.get(f"/api/pictures/{name}/heat", params=params)
    assert got.status_code == 200, got.text
    assert got.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(got.content)).convert("RGBA"))


def test_every_model_asks_about_its_pictures_and_shows_its_heat_maps(
    session: Session, page: TestClient, tmp_path: Path
) -> None:
    save_parts(tmp_path / "good", range(12))
    save_parts(tmp_path / "holes", range(20, 22), with_hole)
    session.workspace.encoders.add(Cells())
    ingest(session.workspace.store, [str(tmp_path / "good"), str(tmp_path / "holes")])
    good, holes = "path LIKE '%/good/%'", "path LIKE '%/holes/%'"
    for name, where in (("second", holes), ("defects", f"{good} OR {holes}")):
        fit = DefectsFit(
            where=good,
            name=name,
            encoder="test:cells",
            flaws=("missing",),
            bank=100,
            side=64,
            levels=["stride8"],
        )
        execute(session.workspace, fit)
        execute(session.workspace, DefectsScore(model=name, layer=name, where=where))
        # the page looks at the other one's pictures before there is a usual one
        document = asked(page, "defects")
        assert document["left"] == (2 if name == "second" else 14)
        assert document["more"]["threshold"] > 0
    assert document["more"]["layer"] == "defects"
    flawed = next(one for one in document["items"] if one["facts"][1:])
    assert flawed["facts"][0].startswith("defects: score")
    assert flawed["facts"][1].startswith("second: score")
    side = flawed["sides"][0]
    assert side["title"] == "anomalous"
    assert side["regions"]
    name = side["ids"][0]
    for layer in ("defects", "second"):
        assert heat(page, name, layer=layer).shape == (64, 64, 4)
        # from the picture's own score on, only the hole is hot
        hot = heat(page, name, layer=layer, threshold=flawed["score"])[..., 3]
        assert hot[40:50, 20:30].max() == hot.max() > 0
        assert not hot[:24].any()
        # above every score nothing is odd
        assert not heat(page, name, layer=layer, threshold=1e9)[..., 3].any()
    # no region of either model stays where a person saw no defect
    reply(page, "defects", flawed, "fine")
    kinds = session.workspace.store.annotations(
        ["layer", "kind"], f"sample_id = '{name}' AND kind IN ('mask', 'number')"
    ).to_pylist()
    assert sorted((one["layer"], one["kind"]) for one in kinds) == [
        ("defects", "number"),
        ("second", "number"),
    ]
    assert asked(page, "defects")["left"] == 13
    assert "no model" in page.get(f"/api/pictures/{name}/heat?layer=truth").json()["error"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/queues/other", None),
        ("/api/queues/picks?threshold=x", None),
        ("/api/queues/picks?threshold=inf", None),
        ("/api/queues/other", {}),
        ("/api/queues/pairs", {"answer": "gone"}),
        ("/api/queues/picks/answers", {"key": "gone", "answer": "take"}),
        ("/api/queues/picks/answers", {"key": "gone", "answer": "take", "more": 1}),
        ("/api/queues/picks/answers", []),
        (f"/api/pictures/{sample_id(0)}/heat", None),
    ],
)
def test_what_is_no_question_or_answer_is_refused_with_a_sentence(
    page: TestClient, path: str, body: Any
) -> None:
    answer = page.get(path) if body is None else page.post(path, json=body)
    assert answer.status_code == 400
    assert len(answer.json()["error"]) > 20


def test_a_pause_is_not_the_time_that_an_answer_takes() -> None:
    times = [0.0, 2.0, 4.0, 1000.0, 1002.0, 1006.0, 1012.0, 5000.0]
    records = {str(place): [Record(str(place), None, time)] for place, time in enumerate(times)}
    assert _pace(records) == 2.0
    assert _pace(dict(list(records.items())[:3])) is None
