"""Rounds of labelling as a user types them."""

from __future__ import annotations

import csv


def test_a_simulation_and_two_rounds(tamis_cli, photos):
    tamis_cli("add", "photos", "--labels", "folder", "-q")
    tamis_cli("embed", "-q")
    found = tamis_cli("select", "8", "--simulate", "--rounds", "2", "--seeds", "2", "--json").json
    assert [curve["strategy"] for curve in found["curves"]] == ["random", "schedule"]
    assert [point["labels"] for point in found["curves"][0]["points"]] == [4, 8]
    assert {"value", "low", "high"} == set(found["curves"][1]["points"][0]["gain"])
    shown = tamis_cli("select", "4", "--simulate", "--rounds", "1", "--seeds", "2")
    assert "above random" in shown.out
    assert "█" in shown.out

    # a column of labels that is filled round by round, as a labelling tool would
    tamis_cli("add", "photos", "-d", "bare.tamis", "-q")
    tamis_cli("embed", "-d", "bare.tamis", "-q")
    first = tamis_cli("select", "8", "--round", "-d", "bare.tamis", "--json").json
    assert first["strategy"] == "max-herding"
    assert first["curve"][0]["labels"] == 0
    assert first["labels"] == {}
    table = tamis_cli.folder / "labels.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        for row in first["picks"]:
            writer.writerow([row["path"], "cat" if "cats" in row["path"] else "dog"])
    tamis_cli("add", "photos", "-d", "again.tamis", "--labels", table, "-q")
    tamis_cli("embed", "-d", "again.tamis", "-q")
    second = tamis_cli("select", "3", "--round", "-d", "again.tamis", "--json").json
    assert sum(second["labels"].values()) == 8
    assert not {row["path"] for row in second["picks"]} & {row["path"] for row in first["picks"]}
    refused = tamis_cli("select", "3", "--round", "--label-column", "nope", code=2)
    assert "there is no column 'nope'" in refused.err
