"""Random settings: the output format, a global box, limits, dates and differences."""

from __future__ import annotations

from random import Random

from . import vocabulary
from .dataset import DataSet
from .random_evaluators import quoted
from .random_filters import Filters
from .trees import Tree

CSV_SPECIALS = (
    "::id", "::type", "::otype", "::lat", "::lon", "::version", "::timestamp", "::changeset", "::uid", "::user",
    "::count", '::"count:nodes"', '::"count:ways"', '::"count:relations"', '::"count:areas"', "::odd",
)  # fmt: skip
SEPARATORS = ('"\t"', '";"', '","', '""', '" | "', "'\"'")
LIMITS = ("[timeout:99]", "[maxsize:1Gi]", "[timeout:1k][maxsize:100000000]")


class Settings:
    """`diff`: whether the query is asked at two times, and prints what differs."""

    def __init__(self, rng: Random, data: DataSet, filters: Filters) -> None:
        self.rng = rng
        self.data = data
        self.filters = filters
        self.diff = False
        settings = self._settings()
        self.tree = Tree("settings", (settings + ";",), ("",)) if settings else Tree("settings", ("",))

    def _settings(self) -> str:
        rng = self.rng
        with_times = self.data.history and not self.data.areas  # the reference's areas are always those of now
        settings = [self._times() if with_times and rng.random() < 0.5 else ""]
        if not self.diff or rng.random() < 0.05:
            settings.append(self._format())
        if rng.random() < 0.1 and self.filters.evaluators.geometric:
            settings.append(f"[bbox:{self.filters.box()}]")
        if rng.random() < 0.1:
            settings.append(rng.choice(LIMITS))
        return "".join(settings)

    def _times(self) -> str:
        rng = self.rng
        one, other = self.filters.time(), self.filters.time()
        choice = rng.random()
        if choice < 0.5:
            return f'[date:"{one}"]'
        self.diff = True
        word = "adiff" if rng.random() < 0.5 else "diff"
        if word == "adiff":  # backwards, it shows metadata of what is not there yet
            one, other = sorted((one, other))
        return f'[{word}:"{one}","{other}"]' if choice < 0.8 else f'[{word}:"{one}"]'

    def _format(self) -> str:
        choice = self.rng.random()
        if choice < 0.3:
            return "[out:json]"
        if choice < 0.45:
            return f"[out:{self._csv()}]"
        if choice < 0.5:
            return "[out:xml]"
        if choice < 0.54 and self.data.plain:
            return f"[out:{self._popup()}]"
        return "[out:custom]" if choice < 0.58 and self.data.plain else ""

    def _csv(self) -> str:
        rng = self.rng
        keys = [quoted(rng.choice(vocabulary.KEYS), rng) for _ in range(rng.randint(0, 3))]
        fields = keys + rng.sample(CSV_SPECIALS, rng.randint(1, 5))
        rng.shuffle(fields)
        tail = ("", "", ";false", f";true;{rng.choice(SEPARATORS)}", f";false;{rng.choice(SEPARATORS)}")
        return f"csv({','.join(fields)}{rng.choice(tail)})"

    def _popup(self) -> str:
        return f"popup{''.join(self._category() for _ in range(self.rng.choice((1, 2, 3))))}"

    def _category(self) -> str:
        """With one test in a group: of several, the reference is content with any."""
        rng = self.rng
        tests = "".join(f"[{self._test()}];" for _ in range(rng.choice((1, 1, 2))))
        title_key = f"{quoted(rng.choice(vocabulary.PLAIN_KEYS))};" if rng.random() < 0.5 else ""
        return f"({quoted(rng.choice(vocabulary.PLAIN_VALUES))};{tests}{title_key})"

    def _test(self) -> str:
        rng = self.rng
        key, operator = quoted(rng.choice(vocabulary.PLAIN_KEYS)), rng.choice(("", "=", "!=", "~", "!~"))
        if "~" in operator:
            return f"{key}{operator}{quoted(rng.choice(vocabulary.REGEXES))}"
        return f"{key}{operator}{quoted(rng.choice(vocabulary.PLAIN_VALUES))}" if operator else key
