"""`python -m tests.differential.misspelling --seed N --queries M`: queries with mistakes, and what both say.

The reference below $REFERENCE is asked for `--dump-xml`, which needs no database: errors and translation must be equal.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from osm3s.ql.batch import answer

from .random_data import random_data
from .random_query import random_query

TIMEOUT_S = 10
XML_SHARE = 0.3
_TOKEN = re.compile(r'"(?:[^"\\\\]|\\\\.)*"|[A-Za-z_]\w*|\d+(?:\.\d+)?|->|<<|>>|==|!=|<=|>=|&&|\|\||::|\s+|.', re.S)
_CHARACTERS = "()[]{}<>=!~&|+-*/%^$#@?:;,.'\"\\_ aZ09\n\té"
_WORDS = [
    "node",
    "way",
    "nwr",
    "out",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    ",",
    ":",
    "->",
    ".a",
    '"',
    "1",
    "-1",
    "~",
    "=",
    "!",
]


@dataclass(frozen=True, slots=True)
class Told:
    """What a system says to a query: lines with errors, and the translation if there are none."""

    errors: tuple[str, ...]
    xml: str = ""


def misspelt(rng: Random, query: str) -> str:
    """The query with one to three mistakes: parts lost, doubled, exchanged, in the wrong place, cut off."""
    tokens = _TOKEN.findall(query)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if not tokens:
            break
        i = rng.randrange(len(tokens))
        match rng.randrange(8):
            case 0:
                del tokens[i]
            case 1:
                tokens.insert(i, rng.choice(_WORDS))
            case 2:
                tokens[i] = rng.choice(tokens)
            case 3:
                tokens.insert(i, tokens[i])
            case 4:
                j = rng.randrange(len(tokens))
                tokens[i], tokens[j] = tokens[j], tokens[i]
            case 5:
                del tokens[i : i + rng.randrange(1, 6)]
            case 6:
                j = rng.randrange(len(tokens[i]))
                instead = rng.choice((rng.choice(_CHARACTERS), ""))
                tokens[i] = tokens[i][:j] + instead + tokens[i][j + rng.randrange(2) :]
            case _:
                del tokens[i:]
    return "".join(tokens)


def misspelt_queries(seed: int, n: int) -> Iterator[str]:
    """Random queries of the whole language with mistakes, some of them in XML."""
    for i in range(n):
        rng = Random(f"{seed}/{i}")
        query = random_query(rng, random_data(rng)).text()
        if rng.random() < XML_SHARE:
            query = str(answer(query).get("xml", query))
        yield misspelt(rng, query)


def ours(query: str) -> Told:
    said = answer(query)
    errors = said["errors"]
    assert isinstance(errors, list)
    return Told(tuple(errors), str(said.get("xml", "")).rstrip("\n"))


def of_reference(prefix: Path, query: str) -> Told | None:
    """None if it crashes."""
    done = subprocess.run(
        [str(prefix / "bin" / "osm3s_query"), "--dump-xml", "--concise"],
        input=query.encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    if done.returncode < 0:
        return None
    lines = done.stderr.decode("utf-8", "surrogateescape").split("\n")
    errors = tuple(line for line in lines if "error:" in line)
    return Told(errors, "" if errors else done.stdout.decode("utf-8", "surrogateescape").rstrip("\n"))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.differential.misspelling", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first random number (default 1)")
    parser.add_argument("--queries", type=int, default=1000, help="how many (default 1000)")
    options = parser.parse_args()
    prefix = os.environ.get("REFERENCE")
    if not prefix:
        parser.error("needs $REFERENCE, the prefix of an installed OSM3S")
    rejected = crashes = differences = 0
    for query in misspelt_queries(options.seed, options.queries):
        theirs = of_reference(Path(prefix), query)
        if theirs is None:
            crashes += 1
            continue
        rejected += bool(theirs.errors)
        found = ours(query)
        if found != theirs:
            differences += 1
            print(f"=== {query!r}\nthe reference: {theirs}\nosm3s:         {found}\n", flush=True)
    print(
        f"seed {options.seed}: {options.queries} queries, {rejected} of them rejected; "
        f"{crashes} crashed the reference; {differences} differences"
    )
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
