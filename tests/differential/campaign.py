"""Running many pairs: for each data set a process of its own, so that a crash does not end the campaign."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO, Protocol

from osm3s import ql
from osm3s.errors import QueryRejected

from .dataset import DataSet
from .deviations import excuse, start, watch
from .random_data import random_data
from .random_query import random_query
from .shrink import shrink
from .systems import Answer, by_tag_directory
from .trees import Tree

QUERIES_PER_DATA_SET = 50
XML_SHARE = 0.15


class System(Protocol):
    name: str

    def load(self, data: DataSet) -> None: ...

    def ask(self, query: str) -> Answer: ...


MakeSystems = Callable[[Path], tuple[System, System]]
"""Two systems with databases below a directory, the one to be judged first."""
MakeQuery = Callable[[Random, DataSet], Tree]


@dataclass(slots=True)
class Difference:
    """A pair whose answers differ, as small as it could be made."""

    place: str
    data: DataSet
    query: str
    answers: tuple[Answer, Answer]


@dataclass(slots=True)
class Tally:
    """What came out; `unanswered` are pairs on which the judge itself fails, `excused` are deviations by name."""

    pairs: int = 0
    """That were asked; those that nobody answered are among them."""
    empty: int = 0
    unanswered: int = 0
    excused: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)

    @property
    def compared(self) -> int:
        """So many pairs have two answers that must be equal."""
        return self.pairs - self.unanswered - self.excused.total()

    def add(self, other: Tally) -> None:
        self.pairs += other.pairs
        self.empty += other.empty
        self.unanswered += other.unanswered
        self.excused += other.excused
        self.differences += other.differences


def _fits(_data: DataSet) -> bool:
    return True


def campaign(
    seed: int,
    pairs: int,
    systems: MakeSystems,
    make_query: MakeQuery = random_query,
    small: bool = True,
    fits: Callable[[DataSet], bool] = _fits,
) -> Iterator[Tally]:
    """A tally for each data set that fits; `small`: differences are shrunk."""
    for number in range((pairs + QUERIES_PER_DATA_SET - 1) // QUERIES_PER_DATA_SET):
        count = min(QUERIES_PER_DATA_SET, pairs - number * QUERIES_PER_DATA_SET)
        rng = Random(f"{seed}/{number}")
        data = random_data(rng)
        while not fits(data):
            data = random_data(rng)
        yield _in_process(f"{seed}/{number}", (rng, data), count, systems, make_query, small)


def _in_process(
    place: str, start: tuple[Random, DataSet], count: int, systems: MakeSystems, make_query: MakeQuery, small: bool
) -> Tally:
    """If the process dies, the last thing it was asked is the difference."""
    with tempfile.TemporaryFile() as result, tempfile.TemporaryFile() as last:
        process = os.fork()
        if process == 0:
            status = 1
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            try:
                pickle.dump(_ask_all(place, *start, count, systems, make_query, small, last), result)
                result.flush()
                status = 0
            except Exception:
                traceback.print_exc()
            finally:
                os._exit(status)
        _, status = os.waitpid(process, 0)
        for stream in (result, last):
            stream.seek(0)
        if status == 0:
            tally: Tally = pickle.load(result)
            return tally
        data, query = pickle.load(last)
    death = Answer(b"", (f"the process ended with status {status}",))
    return Tally(pairs=1, differences=[Difference(place, data, query, (death, Answer(b"")))])


def _ask_all(
    place: str,
    rng: Random,
    data: DataSet,
    count: int,
    systems: MakeSystems,
    make_query: MakeQuery,
    small: bool,
    last: IO[bytes],
) -> Tally:
    tally = Tally()
    watch()
    by_tag_directory(rng.random() < 0.5)
    with tempfile.TemporaryDirectory() as directory:
        judged, judge = loaded(Path(directory), data, systems)
        for i in range(count):
            query = make_query(rng, data)
            form = _as_xml if rng.random() < XML_SHARE else str
            text = form(query.text())
            last.seek(0)
            pickle.dump((data, text), last)
            last.flush()
            answers = _ask(data, text, judged, judge)
            tally.pairs += 1
            if answers[1].failed:
                tally.unanswered += 1
                continue
            tally.empty += not answers[1].found
            if answers[0] == answers[1]:
                continue
            if deviation := excuse(*answers):
                tally.excused[deviation] += 1
            else:
                tally.differences.append(_smallest(f"{place} pair {i}", data, query, form, systems, small))
    return tally


def loaded(directory: Path, data: DataSet, systems: MakeSystems) -> tuple[System, System]:
    both = systems(directory)
    for system in both:
        system.load(data)
    return both


def _as_xml(query: str) -> str:
    """The query in the other language; as it is if it cannot be translated, or loses something."""
    if "[out:popup" in query:
        return query
    try:
        return ql.to_xml(ql.parse(query))
    except QueryRejected:
        return query


def _smallest(
    place: str, data: DataSet, query: Tree, form: Callable[[str], str], systems: MakeSystems, small: bool
) -> Difference:
    if small:

        def differs(data: DataSet, text: str) -> bool:
            with suppress(subprocess.CalledProcessError):  # the reference cannot load everything
                return _differ(*_answers(data, form(text), systems))
            return False

        data, query = shrink(data, query, differs)
    text = form(query.text())
    return Difference(place, data, text, _answers(data, text, systems))


def _differ(judged: Answer, judge: Answer) -> bool:
    return judged != judge and not judge.failed and excuse(judged, judge) is None


def _answers(data: DataSet, text: str, systems: MakeSystems) -> tuple[Answer, Answer]:
    with tempfile.TemporaryDirectory() as directory:
        return _ask(data, text, *loaded(Path(directory), data, systems))


def _ask(data: DataSet, text: str, judged: System, judge: System) -> tuple[Answer, Answer]:
    """What the judge has no time for, the other is not asked. The tags of former versions come in any order."""
    start(data, text)
    answer = judge.ask(text).but_trifles()
    if answer.late:
        return answer, answer
    ours = judged.ask(text).but_trifles()
    return (ours.in_order(), answer.in_order()) if data.history else (ours, answer)
