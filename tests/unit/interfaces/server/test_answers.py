"""Rows, counts, selections and writes, as the page asks for them."""

from __future__ import annotations

import csv
import io
import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import tamis
from served_dataset import CLASSES, HOSTILE, picture, sample_id, served_dataset
from tamis.dataset.parts import PART_COLUMNS
from tamis.dataset.store import Store
from tamis.formats.annotations.annotation_rows import AnnotationRows
from tamis.formats.annotations.source_annotation import Placed, SourceAnnotation
from tamis.interfaces.server.conditions import ColumnFilter
from tamis.interfaces.server.questions import Question
from tamis.interfaces.server.row_table import RowTable
from tamis.interfaces.server.session import Session
from tamis.runtime.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient


def ask(page: TestClient, **question: Any) -> Any:
    answer = page.post("/api/questions", json=question)
    assert answer.status_code == 200, answer.text
    return answer.json()


def rows(page: TestClient, answer: Any, **query: Any) -> Any:
    return page.get(f"/api/answers/{answer['answer']}/rows", params=query).json()


def facet(page: TestClient, column: str, **question: Any) -> Any:
    found = page.post("/api/facets", json=question).json()["facets"]
    return next(one for one in found if one["column"] == column)


def label(page: TestClient, answer: Any, ranges: Any, name: str) -> Any:
    chosen = page.post(
        "/api/selections", json={"answer": answer["answer"], "ranges": ranges}
    ).json()
    done = page.post(f"/api/verbs/label set?selection={chosen['name']}", json={"label": name})
    assert done.status_code == 200, done.text
    return done.json()


def test_rows_come_in_pages_in_the_order_of_the_dataset(page: TestClient) -> None:
    answer = ask(page)
    assert (answer["count"], answer["total"]) == (60, 60)
    first, last = rows(page, answer, limit=25), rows(page, answer, offset=50, limit=25)
    assert first["id"] == [sample_id(number) for number in range(25)]
    assert len(last["id"]) == 10
    assert first["path"][1] == HOSTILE
    assert first["label"][:3] == ["cat", "dog", None]
    assert "objects" not in first
    boxed = rows(page, answer, limit=5, boxes=1)["objects"]
    assert boxed[0] == [["truth", "door", 10.0, 12.0, 30.0, 20.0, None]]
    assert boxed[1] == []


def test_shapes_tell_the_aspect_of_every_row(page: TestClient) -> None:
    answer = ask(page)
    codes = np.frombuffer(page.get(f"/api/answers/{answer['answer']}/shapes").content, np.uint8)
    aspects = 2.0 ** ((codes.astype(float) - 128) / 32)
    wanted = [1.5 if number % 3 else 1 / 1.5 for number in range(60)]
    np.testing.assert_allclose(aspects, wanted, rtol=0.012)


def test_counts_follow_the_filter_and_leave_the_column_itself_open(page: TestClient) -> None:
    filters = [{"column": "label", "values": ["dog"]}]
    labels = facet(page, "label", filters=filters)
    by_name = dict(zip(labels["values"], labels["counts"], strict=True))
    assert by_name == dict(zip(labels["values"], labels["totals"], strict=True))
    splits = facet(page, "split", filters=filters)
    assert sum(splits["counts"]) == by_name["dog"] == ask(page, filters=filters)["count"]
    sharp = facet(page, "sharpness", filters=filters)
    assert sum(sharp["totals"]) == 60
    assert sum(sharp["counts"]) == by_name["dog"]
    assert facet(page, "tags")["missing"] == [48, 48]
    assert dict(zip(*(facet(page, "objects")[k] for k in ("values", "counts")), strict=True)) == {
        "door": 8,
        "wheel": 7,
    }


def test_an_order_puts_rows_without_a_value_last(page: TestClient) -> None:
    answer = ask(page, sort={"column": "label", "descending": True})
    names = rows(page, answer, limit=60)["label"]
    known = [name for name in names if name is not None]
    assert known == sorted(known, reverse=True)
    assert names[len(known) :] == [None] * (60 - len(known))
    sharp = rows(page, ask(page, sort={"column": "sharpness"}), limit=60)["score"]
    assert sharp == sorted(sharp)


def test_what_looks_alike_comes_best_first(page: TestClient) -> None:
    answer = ask(page, like=[sample_id(3)], filters=[{"column": "split", "values": ["train"]}])
    found = rows(page, answer, limit=60)
    assert sample_id(3) not in found["id"]
    assert found["score"] == sorted(found["score"], reverse=True)
    assert set(found["split"]) == {"train"}


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"text": "a cat"}, "reads no texts"),
        ({"where": "labl = 'cat'"}, "labl"),
        ({"filters": [{"column": "nonsense", "values": ["x"]}]}, "nonsense"),
        ({"filters": [{"column": "label", "low": 3}]}, "no numbers"),
        ({"filters": [{"column": "thumbnail", "values": ["x"]}]}, "thumbnail"),
        ({"filters": [{"values": ["x"]}]}, "names a column"),
        ({"sort": {"column": "nonsense"}}, "nonsense"),
        ({"order": 1}, "order"),
        ({"like": ["/etc/passwd"]}, "/etc/passwd"),
        ({"like": ["nobody"]}, "nobody"),
    ],
)
def test_a_question_that_cannot_be_asked_says_why(
    page: TestClient, question: Any, said: str
) -> None:
    answer = page.post("/api/questions", json=question)
    assert answer.status_code == 400
    assert said in answer.json()["error"]


def test_thumbnails_come_in_batches_and_are_kept_by_the_browser(page: TestClient) -> None:
    ids = [sample_id(number) for number in (5, 2, 5)]
    packed = page.get("/api/thumbnails", params={"ids": ",".join(ids)})
    count, *sizes = struct.unpack_from("<4I", packed.content)
    assert count == 3
    body = packed.content[16:]
    assert len(body) == sum(sizes)
    assert Image.open(io.BytesIO(body[: sizes[0]])).size == (96, 64)
    assert body[: sizes[0]] == body[-sizes[2] :]
    assert "immutable" in packed.headers["cache-control"]
    one = page.get(f"/api/pictures/{ids[0]}/thumbnail")
    again = page.get(
        f"/api/pictures/{ids[0]}/thumbnail", headers={"if-none-match": one.headers["etag"]}
    )
    assert (one.status_code, again.status_code, again.content) == (200, 304, b"")
    too_many = ",".join(sample_id(0) for _ in range(300))
    assert page.get("/api/thumbnails", params={"ids": too_many}).status_code == 400


def test_originals_are_the_files_themselves(page: TestClient) -> None:
    answer = page.get(f"/api/pictures/{sample_id(2)}/original")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == picture(2, (96, 64))
    gone = page.get(f"/api/pictures/{sample_id(40)}/original")
    assert gone.status_code == 404
    assert "does not exist" in gone.json()["error"]


def test_a_label_for_many_is_one_operation_and_undo_takes_it_back(page: TestClient) -> None:
    answer = ask(page)
    done = label(page, answer, [[0, 20], [30, 31]], "zebra")
    assert (done["pictures"], done["changed"]) == (21, 21)
    assert (
        dict(zip(*(facet(page, "label")[k] for k in ("values", "counts")), strict=True))["zebra"]
        == 21
    )
    assert page.get("/api/history").json()["operations"][0]["what"].startswith("zebra")
    before = [CLASSES[n % 4 % 3] if n % 3 != 2 else None for n in range(20)]
    undone = page.post("/api/verbs/undo", json={})
    assert undone.json()["undone"]["verb"] == "label set"
    assert rows(page, answer, limit=20)["label"] == before


def test_all_of_an_answer_is_a_query_and_not_a_list(page: TestClient, dataset: Path) -> None:
    answer = ask(page, filters=[{"column": "split", "values": ["val"]}])
    made = page.post("/api/selections", json={"answer": answer["answer"]}).json()
    assert made["count"] == answer["count"] == 9
    assert "split" in made["query"]["where"]
    assert made["holds"]["label"]
    done = page.post(f"/api/verbs/label tag?selection={made['name']}", json={"name": "look"})
    assert done.json()["changed"] == 9
    asked = Store.open(dataset).log()[-1].asked
    assert asked is not None
    assert "ids" not in asked[1]
    # rows that came since were not on the screen: the pictures that were are named one by one
    later = page.post("/api/selections", json={"answer": answer["answer"]}).json()
    assert later["query"] is None
    assert later["count"] == 9


def test_a_selection_means_the_pictures_that_it_was_made_of(
    page: TestClient, dataset: Path
) -> None:
    bare = {"values": [None], "column": "label"}
    unlabeled = ask(page, filters=[bare])
    chosen = page.post(
        "/api/selections", json={"answer": unlabeled["answer"], "name": "bare"}
    ).json()
    assert chosen["query"] is not None
    before = rows(page, unlabeled, limit=60)["id"]
    # another program takes the label of a picture that nobody selected
    store = Store.open(dataset)
    with store.operation("label clear") as op:
        op.set_marks([sample_id(0)], {"label": [None]})
    done = page.post("/api/verbs/label set?selection=bare", json={"label": "owl"}).json()
    assert done["changed"] == chosen["count"] == 20
    owls = ask(page, filters=[{"column": "label", "values": ["owl"]}])
    assert rows(page, owls, limit=60)["id"] == before
    # they have labels now, and are still the pictures of the selection
    done = page.post("/api/verbs/label tag?selection=bare", json={"name": "checked"}).json()
    assert done["changed"] == 20
    made = page.post("/api/exports", json={"format": "csv", "selection": "bare"}).json()["number"]
    while (job := page.get(f"/api/jobs/{made}").json())["state"] == "running":
        pass
    assert job["result"]["exported"] == 20


def test_what_another_program_wrote_is_not_written_over(page: TestClient, dataset: Path) -> None:
    first = [sample_id(3)]
    with Store.open(dataset).operation("label tag") as op:
        op.set_marks(first, {"tags": [["theirs"]]})
    assert page.post("/api/verbs/label tag", json={"name": "ours", "ids": first}).status_code == 200
    tags = Store.open(dataset).read(["tags"], ids=first).column(0).to_pylist()
    assert tags == [["theirs", "ours"]]


def test_numbers_that_json_lacks_leave_the_page_whole(page: TestClient, dataset: Path) -> None:
    odd = [math.inf, -math.inf, math.nan, 1.0, 2.0]
    ids = [sample_id(number) for number in range(5)]
    with Store.open(dataset).operation("marks") as op:
        op.set_marks(ids, {"loss": pa.array(odd), "wide": pa.array([-1.7e308, 1.7e308, *odd[:3]])})
    page.get("/api/changes")
    loss = facet(page, "loss")
    assert (loss["low"], loss["high"], sum(loss["counts"])) == (1, 2, 2)
    answer = ask(page, sort={"column": "loss"})
    assert rows(page, answer, limit=5)["score"] == [None, 1, 2, None, None]
    assert rows(page, answer, limit=5)["id"][:4] == [ids[1], ids[3], ids[4], ids[0]]
    codes = page.get("/api/map/colors", params={"column": "loss"}).content
    assert list(codes[:6]) == [254, 0, 255, 0, 254, 255]
    codes = page.get("/api/map/colors", params={"column": "wide"}).content
    assert list(codes[:4]) == [0, 254, 254, 0]
    assert page.get(f"/api/pictures/{ids[0]}").json()["sample"]["loss"] is None


def test_what_lacks_a_value_is_counted_in_all_rows_and_under_the_filter(
    page: TestClient, dataset: Path
) -> None:
    dogs = [{"column": "label", "values": ["dog"]}]
    without = ask(page, filters=[*dogs, {"column": "tags", "values": [None]}])["count"]
    count = ask(page, filters=dogs)["count"]
    assert 0 < without < count
    assert facet(page, "tags", filters=dogs)["missing"] == [48, without]
    with Store.open(dataset).operation("marks") as op:  # of a cat, a dog and none
        op.set_marks([sample_id(number) for number in range(3)], {"loss": pa.array([1.0, 2, 3])})
    page.get("/api/changes")
    loss = facet(page, "loss", filters=dogs)
    assert loss["missing"] == [57, count - 1]
    assert (sum(loss["totals"]), sum(loss["counts"])) == (3, 1)


def test_the_greatest_whole_number_has_a_bar_of_full_width(page: TestClient) -> None:
    width = facet(page, "width")
    assert (width["edges"][0], width["edges"][-1]) == (64, 97)
    assert (width["totals"][0], width["totals"][-1]) == (20, 40)


def test_parts_are_not_counted_as_pictures(page: TestClient, dataset: Path) -> None:
    with Store.open(dataset).operation("crop") as op:
        op.require_columns(PART_COLUMNS)
        part = {"sample_id": [sample_id(99)], "path": ["99.jpg"], "kind": ["crop"]}
        op.insert(pa.table({**part, "parent_id": [sample_id(0)]}))
    page.get("/api/changes")
    answer = ask(page)
    assert (answer["count"], answer["total"]) == (60, 60)
    told = page.get("/api/dataset").json()
    assert (told["pictures"], told["parts"]) == (60, 1)
    assert sum(facet(page, "label")["totals"]) + facet(page, "label")["missing"][0] == 60


def test_a_tag_tells_how_many_pictures_it_changed(page: TestClient) -> None:
    ids = [sample_id(number) for number in (0, 1, 2)]  # the first has the tag

    def tagged(verb: str) -> tuple[int, int]:
        told = page.post(f"/api/verbs/label {verb}", json={"name": "rusty", "ids": ids}).json()
        return told["pictures"], told["changed"]

    assert tagged("tag") == (3, 2)
    entry = page.get("/api/history").json()["operations"][0]
    assert entry["what"] == "tag rusty \N{MULTIPLICATION SIGN}2"
    assert tagged("tag") == (3, 0)
    assert tagged("untag") == (3, 3)
    assert (
        page.get("/api/history")
        .json()["operations"][0]["what"]
        .endswith("removed \N{MULTIPLICATION SIGN}3")
    )
    assert tagged("untag") == (3, 0)


def test_a_selection_can_have_a_name(page: TestClient) -> None:
    answer = ask(page)
    body = {"answer": answer["answer"], "ranges": [[0, 3]], "name": "bad light"}
    assert page.post("/api/selections", json=body).json()["count"] == 3
    assert [s["name"] for s in page.get("/api/selections").json()["selections"]] == ["bad light"]
    assert page.get("/api/selections/bad light").json()["holds"]["no_label"] == 1
    assert page.delete("/api/selections/bad light").status_code == 200
    assert page.get("/api/selections/bad light").status_code == 400
    for ranges in ([[0, 61]], [[3, 1]], [[-1, 2]], [["0", 1]], "all"):
        body = {"answer": answer["answer"], "ranges": ranges}
        assert page.post("/api/selections", json=body).status_code == 400


def boxes_of(page: TestClient, sample: str) -> list[dict[str, Any]]:
    said = page.get(f"/api/pictures/{sample}").json()["annotations"]
    return [one for one in said if one["kind"] == "box"]


def test_boxes_are_replaced_and_others_stay(page: TestClient) -> None:
    request = {"sample": sample_id(0), "box": [[10, 12, 30, 20], [1, 2, 3, 4]]}
    done = page.post("/api/verbs/label boxes", json=request | {"label": ["door", "cat"]}).json()
    assert (done["boxes"], done["added"], done["removed"]) == (2, 1, 0)
    found = boxes_of(page, sample_id(0))
    assert {one["annotation_id"] for one in found} >= {"box0"}
    assert len(found) == 2
    wrong = request | {"label": ["door"]}
    assert page.post("/api/verbs/label boxes", json=wrong).status_code == 400
    page.post("/api/verbs/undo", json={})
    assert len(boxes_of(page, sample_id(0))) == 1


def test_what_other_processes_write_is_seen(page: TestClient, dataset: Path) -> None:
    answer = ask(page)
    before = page.get("/api/changes").json()["snapshot"]
    other = Store.open(dataset)
    with other.operation("watch") as op:
        op.insert(pa.table({"sample_id": ["f" * 32], "path": ["late.jpg"]}))
    assert page.get("/api/changes").json()["snapshot"] > before
    grown = page.post(f"/api/questions?previous={answer['answer']}", json={}).json()
    assert (grown["count"], grown["grows"]) == (61, True)
    other.undo()
    page.get("/api/changes")
    shrunk = page.post(f"/api/questions?previous={grown['answer']}", json={}).json()
    assert (shrunk["count"], shrunk["grows"]) == (60, False)


def test_an_export_is_a_file_to_fetch(page: TestClient, session: Session) -> None:
    answer = ask(page)
    body = {"answer": answer["answer"], "ranges": [[1, 4]]}
    chosen = page.post("/api/selections", json=body).json()["name"]
    job = page.post("/api/exports", json={"format": "csv", "selection": chosen}).json()
    assert session.jobs.of(job["number"]).over.wait(60)
    assert page.get(f"/api/jobs/{job['number']}").json()["result"]["exported"] == 3
    fetched = page.get(f"/api/exports/{job['number']}")
    assert 'filename="line3-csv.csv"' in fetched.headers["content-disposition"]
    table = list(csv.DictReader(io.StringIO(fetched.text)))
    assert table[0]["path"] == HOSTILE
    assert len(table) == 3
    for wrong in (
        {"format": "nonsense"},
        {"format": "csv", "out": "/tmp/x"},
        {"format": "csv", "selection": "no"},
    ):
        assert page.post("/api/exports", json=wrong).status_code == 400


def test_an_export_of_many_pictures_names_them_all(tmp_path: Path) -> None:
    session = Session(served_dataset(tmp_path, 3000, files=0))
    answer = session.ask(Question.of({"sort": {"column": "sharpness"}}))
    chosen = session.selections.make(answer, session.table, {"ranges": [[0, 2500]]})
    from tamis.interfaces.server.downloads import start_export

    job = session.jobs.of(start_export(session, {"format": "csv", "selection": chosen.name}))
    assert job.over.wait(120)
    assert job.error is None
    assert job.result["exported"] == 2500
    session.close()


def test_a_dropped_picture_is_an_example(page: TestClient) -> None:
    binary = {"content-type": "application/octet-stream"}
    refused = page.post("/api/examples", content=b"no picture", headers=binary)
    assert refused.status_code == 400
    taken = page.post("/api/examples", content=picture(3, (64, 96)), headers=binary)
    assert taken.json()["example"].startswith("example-")


def test_a_job_can_be_cancelled_and_says_why_it_failed(session: Session) -> None:
    from threading import Event

    begun = Event()

    def endless(feedback: Any) -> None:
        progress = feedback.stage("embed")
        for number in range(10**9):
            progress(number, None)
            begun.set()

    job = session.jobs.start("embed", endless)
    assert begun.wait(60)
    assert job.document()["stage"] == "embed"
    session.jobs.cancel(job.number)
    assert job.over.wait(60)
    assert job.state == "cancelled"
    failed = session.jobs.start("embed", lambda _feedback: 1 / 0)
    assert failed.over.wait(60)
    assert failed.state == "failed"
    assert "ZeroDivisionError" in failed.document()["error"]


# Filters mean the same in memory and as SQL

TEXTS = st.sampled_from([*CLASSES, "rusty", "train", "val", "door", "wheel", "it's", None])
WORDS = st.sampled_from(["label", "split", "tags", "objects", "layer:truth"])
NUMBERS = st.sampled_from(["sharpness", "bytes", "width", "added_at"])


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    if draw(st.booleans()):
        return {"column": draw(WORDS), "values": draw(st.lists(TEXTS, min_size=1, max_size=3))}
    column = draw(NUMBERS)
    bounds = {
        "sharpness": st.floats(-0.1, 1.1),
        "bytes": st.floats(900, 1500),
        "width": st.sampled_from([64, 80, 96]),
        "added_at": st.integers(1_699_999_990_000_000, 1_700_000_070_000_000),
    }[column]
    low, high = draw(st.none() | bounds), draw(st.none() | bounds)
    return {"column": column, "low": low, "high": high, "below": draw(st.booleans())}


@pytest.fixture(scope="module")
def table(dataset_master: Path) -> RowTable:
    """The rows of a dataset that no test changes."""
    return RowTable(Workspace(Store.open(dataset_master)).samples)


@given(st.lists(filters(), min_size=1, max_size=3))
def test_filters_in_memory_and_as_sql_let_the_same_rows_pass(
    table: RowTable, asked: list[dict[str, Any]]
) -> None:
    question = Question.of({"filters": asked})
    found = table.ids.filter(question.mask(table)).to_pylist()
    condition = question.condition(table)
    assert found == table._samples.store.read(["sample_id"], condition).column(0).to_pylist()


@pytest.mark.parametrize("text", ["PHOTOS/0000", "<IMG", "'", "%", "_", "nowhere"])
def test_a_part_of_a_path_is_found_in_any_case(table: RowTable, text: str) -> None:
    one = ColumnFilter("path", text=text)
    paths = table._samples.store.read(["path"]).column(0).to_pylist()
    assert one.mask(table).tolist() == [text.lower() in path.lower() for path in paths]


def test_a_table_takes_over_what_did_not_change(dataset: Path) -> None:
    workspace = Workspace(Store.open(dataset))
    first = RowTable(workspace.samples)
    columns = ("label", "sharpness", "objects")
    before = {name: first.column(name) for name in columns}
    with workspace.store.operation("label") as op:
        op.set_marks([sample_id(2)], {"label": ["owl"]})
    later = RowTable(workspace.samples, first)
    fresh = RowTable(workspace.samples)
    assert later.ids is first.ids
    assert later.column("sharpness") is before["sharpness"]
    assert later.column("label") is not before["label"]
    for name in ("label", "tags", "objects"):
        one, other = later.words(name), fresh.words(name)
        assert one.values == other.values
        np.testing.assert_array_equal(one.codes, other.codes)
    workspace.store.undo()
    undone = RowTable(workspace.samples, later)
    assert "owl" not in undone.words("label").values
    with workspace.store.operation("add") as op:
        op.insert(pa.table({"sample_id": ["f" * 32]}))
    assert len(RowTable(workspace.samples, undone).column("sharpness").having([None])) == 61


def test_answers_are_kept_while_they_are_few_rows(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tamis.interfaces.server.questions._KEPT_ROWS", 130)
    first = session.ask(Question())
    for column in ("sharpness", "bytes", "label"):
        session.ask(Question.of({"sort": {"column": column}}))
    assert first.key not in session.answers
    assert len(session.ask(Question())) == 60


# The map


def test_a_lasso_on_the_map_is_a_filter(page: TestClient) -> None:
    data = page.get("/api/map/places").content
    places = np.frombuffer(data, "<u2").reshape(-1, 2) / 65534 * 2 - 1
    assert places.shape == (60, 2)
    right = [[0, -1.1], [1.1, -1.1], [1.1, 1.1], [0, 1.1]]
    answer = ask(page, lasso=right)
    wanted = [sample_id(number) for number in range(60) if places[number, 0] > 0]
    assert rows(page, answer, limit=60)["id"] == wanted
    bits = np.unpackbits(
        np.frombuffer(page.get(f"/api/answers/{answer['answer']}/mask").content, np.uint8),
        bitorder="little",
    )[:60]
    np.testing.assert_array_equal(bits.astype(bool), places[:, 0] > 0)
    assert sum(facet(page, "split", lasso=right)["counts"]) == len(wanted)
    alike = ask(page, lasso=right, like=[sample_id(3)])
    assert set(rows(page, alike, limit=60)["id"]) == set(wanted) - {sample_id(3)}
    chosen = page.post("/api/selections", json={"answer": answer["answer"]}).json()
    assert chosen["query"] is None
    one = page.get(f"/api/map/points/5?answer={answer['answer']}").json()
    assert one["id"] == sample_id(5)
    assert one["place"] == (wanted.index(sample_id(5)) if sample_id(5) in wanted else None)
    for wrong in ([], [[0, 0]], [[0, 0], [1, 1], ["x", 0]], "all", [[0, 0, 0]] * 3):
        assert page.post("/api/questions", json={"lasso": wrong}).status_code in {200, 400}
        if wrong:
            assert page.post("/api/questions", json={"lasso": wrong}).status_code == 400


def test_shapes_add_and_take_away_on_the_map_that_they_name(page: TestClient) -> None:
    (plane,) = page.get("/api/maps").json()["maps"]
    assert (plane["kind"], plane["default"]) == ("plane", True)
    data = page.get("/api/map/places", params={"map": plane["key"]}).content
    x, y = (np.frombuffer(data, "<u2").reshape(-1, 2) / 65534 * 2 - 1).T
    right = {"adds": True, "corners": [[0, -1.1], [1.1, -1.1], [1.1, 1.1], [0, 1.1]]}
    top = {"adds": False, "corners": [[-1.1, 0], [1.1, 0], [1.1, 1.1], [-1.1, 1.1]]}
    left = {"adds": True, "corners": [[-1.1, -1.1], [0, -1.1], [0, 1.1], [-1.1, 1.1]]}

    def count(*shapes: dict[str, Any], key: str = plane["key"]) -> int:
        return int(ask(page, lasso={"map": key, "shapes": list(shapes)})["count"])

    assert count(right, top) == ((x > 0) & (y < 0)).sum()
    assert count(top) == (y < 0).sum()
    assert count(right, top, left) == (((x > 0) & (y < 0)) | (x < 0)).sum()
    for wrong in (
        {"map": "neighbors:none", "shapes": [right]},
        {"map": plane["key"], "shapes": []},
        {"map": 1, "shapes": [right]},
        {"map": None, "shapes": [right], "more": 1},
        {"map": None, "shapes": [{"adds": 1, "corners": right["corners"]}]},
    ):
        assert page.post("/api/questions", json={"lasso": wrong}).status_code == 400


def test_the_map_that_was_made_comes_first_and_goes_with_an_undo(
    page: TestClient, dataset: Path
) -> None:
    pytest.importorskip("openTSNE")
    report = tamis.open(dataset).map()
    page.get("/api/changes")
    made, plane = page.get("/api/maps").json()["maps"]
    assert (made["kind"], plane["kind"]) == ("neighbors", "plane")
    assert made["neighbors_kept"] == pytest.approx(report.neighbors_kept)
    before = page.get("/api/map/places", params={"map": made["key"]}).content
    assert before != page.get("/api/map/places", params={"map": plane["key"]}).content
    x, y = np.frombuffer(before, "<u2").reshape(-1, 2)[5] / 65534 * 2 - 1
    stored = tamis.open(dataset).table(list(report.columns), f"sample_id = '{sample_id(5)}'")
    assert [x, y] == pytest.approx([stored[name][0].as_py() for name in report.columns], abs=1e-4)
    assert not any(
        "map" in one["column"] for one in page.post("/api/facets", json={}).json()["facets"]
    )
    store = Store.open(dataset)
    column = store.vector_columns()[0].name
    with store.operation("watch") as op:
        op.insert(pa.table({"sample_id": ["0" + "f" * 31]}))
        op.set_vectors(column, ["0" + "f" * 31], store.vectors(column)[1][5:6])
    page.get("/api/changes")
    after = page.get("/api/map/places", params={"map": made["key"]}).content
    assert after[: len(before)] == before
    late = np.frombuffer(after[-4:], "<u2").astype(int)
    assert np.abs(late - np.frombuffer(before, "<u2").reshape(-1, 2)[5]).max() < 99
    for _ in range(2):
        tamis.open(dataset).undo()
    page.get("/api/changes")
    assert [one["kind"] for one in page.get("/api/maps").json()["maps"]] == ["plane"]
    assert page.get("/api/map/places", params={"map": made["key"]}).status_code == 400


def test_a_thousand_values_are_told_apart(page: TestClient, dataset: Path) -> None:
    store = Store.open(dataset)
    ids = [f"{number:032x}" for number in range(1, 401)]
    with store.operation("add") as op:
        op.insert(pa.table({"sample_id": [f"e{one[1:]}" for one in ids]}))
        op.set_marks([f"e{one[1:]}" for one in ids], {"series": [f"s{n:03}" for n in range(400)]})
    page.get("/api/changes")
    codes = page.get("/api/map/colors", params={"column": "series"}).content
    assert len(codes) == 2 * 460
    found = np.frombuffer(codes, "<u2")
    assert sorted(found[found < 65535].tolist()) == list(range(400))
    assert (found == 65535).sum() == 60


def test_points_have_ids_and_selections_a_mask(page: TestClient) -> None:
    found = page.get("/api/map/ids", params={"rows": "5,2"}).json()["ids"]
    assert found == [sample_id(5), sample_id(2)]
    assert page.get("/api/map/ids", params={"rows": "60"}).status_code == 400
    assert page.get("/api/map/ids", params={"rows": ",".join("1" * 201)}).status_code == 400
    answer = ask(page)["answer"]
    body = {"answer": answer, "ranges": [[3, 5]]}
    name = page.post("/api/selections", json=body).json()["name"]
    data = page.get(f"/api/selections/{name}/mask").content
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:60]
    assert np.flatnonzero(bits).tolist() == [3, 4]


def test_new_rows_are_placed_without_moving_old_ones(page: TestClient, dataset: Path) -> None:
    before = page.get("/api/map/places").content
    store = Store.open(dataset)
    column = store.vector_columns()[0].name
    with store.operation("watch") as op:
        op.insert(pa.table({"sample_id": ["0" + "f" * 31, "1" + "f" * 31]}))
        op.set_vectors(column, ["0" + "f" * 31], np.full((1, 8), 9, np.float32))
    page.get("/api/changes")
    after = page.get("/api/map/places").content
    assert after[: len(before)] == before
    assert np.frombuffer(after[-4:], "<u2").tolist() == [65535, 65535]
    assert 65535 not in np.frombuffer(after[-8:-4], "<u2")


def test_colors_of_the_map_are_the_values_of_a_column(page: TestClient) -> None:
    values = facet(page, "label")["values"]
    codes = page.get("/api/map/colors", params={"column": "label"}).content
    names = rows(page, ask(page), limit=60)["label"]
    assert [None if code == 255 else values[code] for code in codes] == names
    sharp = page.get("/api/map/colors", params={"column": "sharpness"}).content
    assert (min(sharp), max(sharp)) == (0, 254)
    assert page.get("/api/map/colors", params={"column": "thumbnail"}).status_code == 400


def test_saved_questions_outlast_the_server(
    session: Session, page: TestClient, dataset: Path
) -> None:
    cats = {"filters": [{"column": "label", "values": ["cat"]}]}
    lasso = {"lasso": [[-2, -2], [2, -2], [2, 2], [-2, 2]]}
    page.post("/api/saved", json={"name": "cats", "question": cats})
    page.post("/api/saved", json={"name": "a region", "question": lasso})
    page.post("/api/saved", json={"name": "alike", "question": {"like": [sample_id(1)]}})
    page.post("/api/saved", json={"name": "gone", "question": {"where": "no_column = 1"}})
    later = Session(dataset)
    found = {one["name"]: one for one in later.saved.document(later.table)}
    assert found["cats"]["question"] == cats
    assert found["cats"]["count"] == Store.open(dataset).count("label = 'cat'")
    assert found["a region"]["count"] == 60
    assert [found[name]["count"] for name in ("alike", "gone")] == [None, None]
    later.close()
    left = page.delete("/api/saved/cats").json()["saved"]
    assert [one["name"] for one in left] == ["a region", "alike", "gone"]
    assert page.delete("/api/saved/cats").status_code == 400
    for wrong in ({"name": "", "question": {}}, {"name": "x", "question": 3}, {"name": "x"}):
        assert page.post("/api/saved", json=wrong).status_code == 400
    (dataset / "page" / "selections.json").write_text("[")
    assert "damaged" in page.get("/api/saved").json()["error"]


def test_tiles_get_coarse_outlines(page: TestClient, dataset: Path) -> None:
    ring = tuple(float(value) for at in range(200) for value in (at % 60, at % 50))
    with Store.open(dataset).operation("import") as op:
        drawn = AnnotationRows("model")
        entry = SourceAnnotation("", "dog", 0, 0, 60, 50, kind="polygon")
        drawn.add(sample_id(1), entry, Placed((0, 0, 60, 50), (ring,)))
        op.add_annotations(drawn.table())
    page.get("/api/changes")  # as the page does every two seconds
    objects = rows(page, ask(page), limit=2, boxes=1)["objects"]
    assert [one[6] for one in objects[0]] == [None]
    [[*place, [outline]]] = objects[1]
    assert place == ["model", "dog", 0, 0, 60, 50]
    assert 20 < len(outline) <= 2 * 48
    assert outline[:2] == [0, 0]


def test_questions_are_compared(page: TestClient) -> None:
    def where(split: str) -> dict[str, Any]:
        return {"filters": [{"column": "split", "values": [split]}]}

    found = page.post("/api/comparisons", json={"a": where("train"), "b": where("val")}).json()
    assert found["a"] + found["b"] == 60
    assert "split" not in [one["name"] for one in found["columns"]]
    assert page.post("/api/comparisons", json={"a": where("val"), "b": {}}).json()["b"] == 60
    for wrong in ({"a": {"text": "x"}}, {"c": 1}, {}, [], {"layers": "truth"}):
        answer = page.post("/api/comparisons", json=wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["error"]


def test_a_box_is_added_beside_those_of_others(page: TestClient, dataset: Path) -> None:
    request = {"sample": sample_id(0), "box": [[1, 2, 10, 10]], "label": ["cat"], "add": True}
    with Store.open(dataset).operation("other") as op:
        drawn = AnnotationRows("truth", "another process")
        entry = SourceAnnotation("", "dog", 5, 5, 9, 9)
        drawn.add(sample_id(0), entry, Placed((5, 5, 9, 9)))
        op.add_annotations(drawn.table())
    done = page.post("/api/verbs/label boxes", json=request).json()
    assert (done["boxes"], done["added"], done["removed"]) == (3, 1, 0)
    # the same once more adds nothing
    assert page.post("/api/verbs/label boxes", json=request).json()["added"] == 0
    found = Store.open(dataset).annotations(where=f"sample_id = '{sample_id(0)}' AND kind = 'box'")
    assert sorted(found.column("label").to_pylist()) == ["cat", "dog", "door"]
    nothing = page.post("/api/verbs/label boxes", json={**request, "box": [], "label": []})
    assert nothing.status_code == 400


def test_colors_by_rank_give_each_color_as_many_pictures_and_equal_values_one() -> None:
    from tamis.interfaces.server.point_map import _ramp_codes

    values = np.array([0.0, 1.0, 1.0, 2.0, 1e9, np.nan, np.inf])
    linear, ranks = _ramp_codes(values), _ramp_codes(values, ranks=True)
    assert linear[:4].max() == 0
    assert ranks.tolist() == [0, 76, 76, 152, 203, 255, 254]
