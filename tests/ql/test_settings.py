"""What the settings of a query mean."""

from __future__ import annotations

import pytest

from osm3s import ql
from osm3s.ql.formats import CsvConfig, PopupCategory, PopupConfig, PopupTest
from osm3s.ql.settings import Settings


def settings(query: str) -> Settings:
    return Settings.of(ql.parse(query))


def test_defaults() -> None:
    assert settings("out;") == Settings(180, 536_870_912, "xml", None, None, None, None, None, False)


@pytest.mark.parametrize(
    ("text", "value"), [("25", 25), ("2 ki", 2048), ("1Gi", 2**30), ("3k", 3000), ("010", 8), ('"0x10"', 16)]
)
def test_numbers(text: str, value: int) -> None:
    assert settings(f"[maxsize:{text}];").maxsize_bytes == value
    assert settings(f"[timeout:{text}];").timeout_s == value


def test_csv() -> None:
    assert settings('[out:csv(::id,"a b",::"count:nodes";false;";")];').csv == CsvConfig(
        [("id", True), ("a b", False), ("count:nodes", True)], False, ";"
    )
    assert settings("[out:csv(name)];").csv == CsvConfig([("name", False)], True, "\t")


def test_csv_in_xml() -> None:
    query = '<osm-script output="csv" output-config="(::id;false)"/>'
    assert settings(query).csv == CsvConfig([("id", True)], False, "\t")


def test_popup() -> None:
    query = '[out:popup("T";[a=b][c];[d!~e];"name";)("U";[x];)];'
    first = PopupCategory(
        "T", [[PopupTest("a", "^b$", True), PopupTest("c", ".", True)], [PopupTest("d", "e", False)]], "name"
    )
    assert settings(query).popup == PopupConfig([first, PopupCategory("U", [[PopupTest("x", ".", True)]], "")])


def test_box() -> None:
    assert settings("[bbox:50.5,7,51,-170];node;").bbox == (50.5, 7.0, 51.0, -170.0)
    assert settings("[bbox:51,7,50,8];node(1);").bbox is None


def test_times() -> None:
    assert settings('[date:"2020-01-02 03:04:05"];').date == "2020-01-02T03:04:05Z"
    diff = settings('[adiff:"2020-01-01T00:00:00Z","2020-02-01T00:00:00Z"];')
    assert (diff.from_, diff.date, diff.augmented) == ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", True)
    assert settings('[diff:"2020-01-01T00:00:00Z"];').augmented is False
