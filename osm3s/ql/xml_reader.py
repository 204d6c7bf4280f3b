"""Overpass XML read as a tree of statements."""

from __future__ import annotations

from xml.parsers import expat

from osm3s.constants import MAX_NESTING

from .diagnostics import Place
from .factory import Factory
from .tree import Element, Script

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def complete_xml(text: str) -> tuple[str, int]:
    """Add declaration and root if they are missing; returns the text and by how many lines it was shifted down.

    White space in front is dropped only if something is added. Lines count in the text that is returned.
    """
    stripped = text.lstrip(" \t\n\v\f\r")
    if not stripped.startswith("<") or stripped.startswith("<?"):
        return text, 0
    dropped = text[: len(text) - len(stripped)].count("\n")
    if "<osm-script" in text:
        return _DECLARATION + stripped, 1 - dropped
    return f"{_DECLARATION}<osm-script>\n{stripped}\n</osm-script>\n", 2 - dropped


def completion_remark(text: str) -> str | None:
    """The reference's words about what `complete_xml` does, None if it does nothing."""
    completed, shift = complete_xml(text)
    if completed == text:
        return None
    if "<osm-script" in text:
        added = "Your input contains an 'osm-script' tag. Thus, a line with the\ndatatype declaration is added. This"
    else:
        added = (
            "Your input starts with a tag but not the root tag. Thus, a line with the\n"
            "datatype declaration and a line with the root tag 'osm-script' is\nadded. This"
        )
    return f"{added} shifts line numbering by {-shift} line(s)."


class _XmlReader:
    """Handlers for expat that build the tree."""

    def __init__(self, factory: Factory) -> None:
        self.factory = factory
        self.roots: list[Element | None] = []
        self._open: list[Element | None] = []
        self._texts: list[str] = []
        self._text: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text.append
        if hasattr(self._parser, "SetReparseDeferralEnabled"):
            self._parser.SetReparseDeferralEnabled(False)

    def read(self, text: str) -> None:
        try:
            self._parser.Parse(text.encode("utf-8", "surrogateescape"), False)
        except expat.ExpatError as error:
            place = Place(error.lineno, error.offset + 1)
            self.factory.diagnostics.abort(expat.errors.messages[error.code], place)

    def unfinished(self) -> list[Element]:
        """The statements below the root that were open when the text ended."""
        return [element for element in self._open[1:] if element is not None]

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        place = Place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)
        if len(self._open) > MAX_NESTING:
            self.factory.diagnostics.abort(f"Nesting of statements is limited to {MAX_NESTING} levels", place)
        attrs = dict(sorted(attributes.items()))
        element: Element | None
        if name == "osm-script" and not self._open:
            element = self.factory.script(attrs, place, "xml")
        else:
            element = self.factory.from_xml(name, attrs, place)
        if not self._open:
            self.roots.append(element)
        self._open.append(element)
        self._texts.append("".join(self._text))
        self._text.clear()

    def _end(self, name: str) -> None:
        element = self._open.pop()
        text_before = self._texts.pop()
        if element is not None:
            self.factory.assure_no_text(element, "".join(self._text))
            self._text.clear()
        if self._open and self._open[-1] is not None and element is not None:
            self.factory.add(self._open[-1], element, text_before)


def read_xml(text: str, factory: Factory) -> Script:
    """The tree of a complete XML text. A root other than `osm-script` becomes the only statement of one.

    Without any root, its line is 0. A text that ends early is no error to the reference. Raises QueryRejected at once
    if it is not well-formed.
    """
    reader = _XmlReader(factory)
    reader.read(text)
    root = reader.roots[0] if reader.roots else None
    if isinstance(root, Script):
        root.unfinished = reader.unfinished()
        return root
    script = Script("osm-script", line=root.line if root else 0, language="xml")
    if root is not None:
        script.children.append(root)
        script.unfinished = reader.unfinished()
    return script
