"""`osm3s_query`: run or translate a query from standard input.

Most calls do not get here: the compiled launcher hands them to a frontend, which calls `answer` below.
Departures from the reference: wrong usage ends with status 1, and its help says how things are meant.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osm3s.constants import OSM3S_VERSION, SOURCE_HASH
from osm3s.errors import ContextError, Osm3sError, QueryRejected, UsageError

if TYPE_CHECKING:
    from osm3s.serve.frontend import Engine
    from osm3s.serve.messages import Messages
    from osm3s.serve.request import Database
    from osm3s.serve.request import Request as FrontendRequest

HELP = """\
osm3s_query: run a query, or translate it. The query is read from standard input, the answer goes to standard output.

  echo '[out:json];node(1);out;' | osm3s_query                  ask the database whose dispatcher runs
  echo 'node[name="X"](47,9,48,10);out;' | osm3s_query --db-dir=DIR    read a database that has no dispatcher
  osm3s_query --request='node(1);out;'                          a query as argument
  osm3s_query --dump-xml < query.ql                             translate: xml, pretty-ql, compact-ql or bbox-ql

  --db-dir=DIR            directory of the database, read without asking a dispatcher
  --dump-xml, --dump-pretty-ql, --dump-compact-ql, --dump-bbox-ql
                          do not run the query, print it in this form
  --request=QL            the query itself, instead of standard input
  --quiet                 print no messages at all
  --concise               print errors only
  --progress              also say from time to time how far a long query has come
  --verbose               print everything there is to say
  --explain               run the query; print how it was answered instead of its answer: the time per statement, the
                          way to its elements, how many blocks were read and skipped
  --rules                 run area rules: no time limit, and make-area stores areas, all at once at the end. From then
                          on areas are what such runs make; update_database --areas=auto has them follow updates again
  --clone=DIR             write a consistent copy of the database into the directory DIR; updates and queries go on
  --clone-compression=no|gz|lz4, --clone-map-compression=no|gz|lz4
                          accepted for the sake of scripts
  --version               print the version and exit

Exit status: 0 done, also if the query has errors (they are on standard error); 1 wrong usage, or the database or its
dispatcher cannot be reached; 2 out of time or memory; 3 a dispatcher runs for DIR; 4 anything else.
"""

DUMPS = ("--dump-xml", "--dump-pretty-ql", "--dump-compact-ql", "--dump-bbox-ql")
VERBOSITIES = {"--quiet": 1, "--concise": 2, "--progress": 3, "--verbose": 5}
DEFAULT_VERBOSITY = 4
INTERRUPTED_STATUS = 130


@dataclass(slots=True)
class Options:
    """What the command line says."""

    db_dir: str = ""
    request: str = ""
    dump: str = ""
    verbosity: int = DEFAULT_VERBOSITY
    explain: bool = False
    rules: bool = False
    clone: str = ""
    version: bool = False
    help: bool = False


def parse_options(arguments: list[str]) -> Options:
    """Raises UsageError."""
    options = Options()
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument in VERBOSITIES:
            options.verbosity = VERBOSITIES[argument]
        elif argument in DUMPS:
            options.dump = argument
        elif name == "--db-dir" and equals:
            if not value:
                raise UsageError("Please provide a directory name after --db-dir=")
            options.db_dir = value
        elif name == "--request" and equals:
            options.request = value
        elif name == "--clone" and value:
            options.clone = value
        elif name in ("--clone-compression", "--clone-map-compression") and value in ("no", "gz", "lz4"):
            continue  # blocks are packed without compression
        elif name == "--clone-file":
            raise UsageError("--clone-file: a single file of a clone is of no use; --clone=DIR copies all of them")
        elif argument == "--explain":
            options.explain = True
        elif argument == "--rules":
            options.rules = True
        elif argument == "--version":
            options.version = True
        elif argument == "--help":
            options.help = True
        else:
            raise UsageError(f"Unknown argument: {argument} (--help lists those that are known)")
    return options


def main(arguments: list[str] | None = None) -> int:
    """The program without a frontend: everything in this process."""
    try:
        options = parse_options(sys.argv[1:] if arguments is None else arguments)
        if options.help:
            sys.stdout.write(HELP)
            return 0
        if options.version:
            print(f"Overpass API version {OSM3S_VERSION} {SOURCE_HASH}")
            return 0
        if options.clone:
            _say_when_damaged()
            return _clone(options)
        messages = _messages(options, 2)
        text = b"" if options.request else sys.stdin.buffer.read()
        if options.dump:
            return _translate(options, text, 1, messages)
        from osm3s.serve.engine import NATIVE
        from osm3s.serve.request import Database

        root = options.db_dir or os.environ.get("OVERPASS_DB_DIR", "")
        socket_dir = os.environ.get("OVERPASS_SOCKET_DIR") or None
        database = Database(root, socket_dir=socket_dir)
        _say_when_damaged()
        return _run(options, text, 1, messages, database, _rules(messages) if options.rules else NATIVE)
    except KeyboardInterrupt:
        return INTERRUPTED_STATUS
    except Osm3sError as error:
        print(error, file=sys.stderr)
        return error.exit_status


def _say_when_damaged() -> None:
    """Not in a frontend: how those end is in the log of their parent."""
    from osm3s.ffi import lib

    lib.osm3s_say_when_damaged(b"osm3s_query", Osm3sError.exit_status)


def _clone(options: Options) -> int:
    from osm3s.cli.clone import clone_database

    try:
        clone_database(options.db_dir or os.environ.get("OVERPASS_DB_DIR", ""), options.clone)
    except ContextError:
        raise
    except Osm3sError as error:
        print(f"runtime error: {error}", file=sys.stderr)
        return 1
    return 0


def answer(request: FrontendRequest, descriptors: list[int], database: Database, engine: Engine) -> int:
    """The program inside a frontend; `database` is the frontend's."""
    output, errors = descriptors
    try:
        options = parse_options(list(request.arguments))
        messages = _messages(options, errors)
        if options.dump:
            return _translate(options, request.body, output, messages)
        return _run(options, request.body, output, messages, database, engine, request.format)
    except Osm3sError as error:
        os.write(errors, f"{error}\n".encode())
        return error.exit_status


def _rules(messages: Messages) -> Engine:
    """Runs area rules; areas that cannot be made are named in messages."""
    from osm3s.areas.rules import RulesEngine
    from osm3s.serve.messages import Verbosity

    return RulesEngine(lambda text: messages.say(f"runtime remark: {text}", Verbosity.ASSISTING))


def _messages(options: Options, descriptor: int) -> Messages:
    """Where the program says something; begins with the prompt."""
    from osm3s.serve.messages import Messages, Verbosity

    messages = Messages(descriptor, Verbosity(options.verbosity))
    if not options.request:
        messages.say("encoding remark: Please enter your query and terminate it with CTRL+D.", Verbosity.ASSISTING)
    return messages


def _text(options: Options, raw: bytes, messages: Messages) -> str:
    """The query. Raises QueryRejected if there is none."""
    from osm3s import ql
    from osm3s.ql.request import from_console
    from osm3s.serve.messages import Verbosity

    text = options.request or from_console(raw.decode("utf-8", "surrogateescape"))
    if remark := ql.completion_remark(text):
        messages.say(f"encoding remark: {remark}", Verbosity.ASSISTING)
    return text


def _translate(options: Options, raw: bytes, output: int, messages: Messages) -> int:
    """Does without the native core, which would take longer to load than a translation."""
    from osm3s.ql.translate import translate
    from osm3s.serve.messages import write_all

    try:
        text = _text(options, raw, messages)
    except QueryRejected as rejected:
        messages.complain("", rejected.messages)
        return 0
    translation, complaints = translate(text, options.dump.removeprefix("--dump-"))
    messages.complain(text, complaints)
    write_all(output, translation.encode("utf-8", "surrogateescape"))
    return 0


def _run(
    options: Options,
    raw: bytes,
    output: int,
    messages: Messages,
    database: Database,
    engine: Engine,
    format_: str = "",
) -> int:
    from osm3s.ql.request import Request
    from osm3s.serve import admission, frontend
    from osm3s.serve.console import ConsoleDoor

    door = ConsoleDoor(output, messages)
    try:
        query = frontend.Query(
            Request(_text(options, raw, messages), explain=options.explain), format=format_, rules=options.rules
        )
    except QueryRejected as rejected:
        return door.rejected("", rejected.messages)
    if options.db_dir:
        try:
            database = admission.direct(database)
        except ContextError as error:
            messages.say(f"runtime error: Context error: {error}")
            return error.exit_status
    return frontend.answer(query, database, door, engine)


if __name__ == "__main__":
    sys.exit(main())
