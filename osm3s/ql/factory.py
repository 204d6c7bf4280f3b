"""Making elements and putting them together, with the checks that belong to each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from .attributes import NARROWING, exists, has_result, unknown_attributes
from .checks import STATEMENT_CHECKS, Check, usable_box
from .diagnostics import Diagnostics, Place
from .filter_checks import FILTER_CHECKS
from .regex import RegexCheck
from .tree import Element, Script

CheckRegex = Callable[[str, bool], str]

_CHECKS = STATEMENT_CHECKS | FILTER_CHECKS
_NEWER_MISPLACED = '"newer" can appear only inside "query" statements.'
_ONE = "one evaluator substatement"
_AGGREGATORS = ("eval-union", "eval-set", "eval-min", "eval-umax", "eval-sum", "eval-geom-concat")
_OPERANDS = {
    "eval-ternary": (3, "three evaluator substatements"),
    "eval-value": (1, _ONE),
    **dict.fromkeys(("eval-not", "eval-negate", "eval-center", "eval-trace", "eval-hull"), (1, _ONE)),
    **dict.fromkeys(("eval-number", "eval-is-number", "eval-suffix", "eval-abs"), (1, _ONE)),
    **dict.fromkeys(("eval-date", "eval-is-date", "eval-lrs-min", "eval-lrs-max"), (1, _ONE)),
    **dict.fromkeys((*_AGGREGATORS, "eval-per-member", "eval-per-vertex"), (1, _ONE + "s")),
    **dict.fromkeys(("eval-or", "eval-and", "eval-equal", "eval-not-equal"), (2, "two evaluator substatements")),
    **dict.fromkeys(("eval-less", "eval-less-equal", "eval-greater"), (2, "two evaluator substatements")),
    **dict.fromkeys(("eval-greater-equal", "eval-plus", "eval-minus"), (2, "two evaluator substatements")),
    **dict.fromkeys(("eval-times", "eval-divided-by", "eval-point"), (2, "two evaluator substatements")),
    **dict.fromkeys(("eval-lrs-in", "eval-lrs-isect", "eval-lrs-union"), (2, "two evaluator substatements")),
    "eval-linestring": (-1, ""),
    "eval-polygon": (-1, ""),
}
"""How many evaluators an evaluator takes (-1: any number), and the end of the complaint about one more."""

_WITHOUT_TEXT_CHECK = frozenset(["filter", "set-prop", "convert", "make", *_OPERANDS])


class Factory:
    """Makes elements. With `check` false, statements are taken as they come, as for a translation."""

    __slots__ = (
        *("_assigned", "_assigning", "check", "check_regex", "check_settings", "diagnostics"),
        *("global_bbox", "known_format"),
    )

    def __init__(
        self, diagnostics: Diagnostics, check: bool, check_regex: CheckRegex | None, check_settings: bool = True
    ) -> None:
        self.diagnostics = diagnostics
        self.check = check
        self.check_settings = check and check_settings
        self.check_regex = check_regex or RegexCheck()
        self.known_format: str | None = None
        """The output format, if a setting of QL has dealt with it."""
        self._assigning: Element | None = None
        self._assigned: Counter[tuple[str, str]] = Counter()
        self.global_bbox = False
        """Whether a valid global bounding box was set, so that a query needs no filter."""

    def script(self, attrs: dict[str, str], place: Place, language: str) -> Script:
        root = Script("osm-script", attrs, line=place.line, language=language)
        if self.check_settings:
            self._check(root, place)
        if self.check:
            self.global_bbox = usable_box(root.get("bbox")) is not None
        return root

    def statement(self, name: str, attrs: dict[str, str], place: Place) -> Element:
        """A statement of QL, or anything of XML that exists."""
        element = Element(name, attrs, line=place.line)
        if self.check:
            self._check(element, place)
        return element

    def criterion(self, name: str, attrs: dict[str, str], place: Place) -> Element:
        """A filter of QL in parentheses, which is checked in any case."""
        element = Element(name, attrs, line=place.line)
        self._check(element, place)
        return element

    def from_xml(self, name: str, attrs: dict[str, str], place: Place) -> Element | None:
        if not self.check or exists(name):
            return self.statement(name, attrs, place)
        self.diagnostics.static_error(f'Unknown tag "{name}" in line {place.line}.', place)
        return None

    def _check(self, element: Element, place: Place) -> None:
        for key in unknown_attributes(element.name, element.attrs):
            self.diagnostics.static_error(f'Unknown attribute "{key}" in element "{element.name}".', place)
        check = _CHECKS.get(element.name)
        if check:
            check(Check(element, place, self.diagnostics, self.check_regex, self.known_format))

    # --- putting together ---------------------------------------------------------------------------------------------

    def add(self, parent: Element, child: Element | None, text: str = "") -> None:
        """Make `child` the next child; `text` is what XML has before it. None is an element that failed."""
        if self.check:
            if text and parent.name not in _WITHOUT_TEXT_CHECK:
                self.assure_no_text(parent, text)
            self._check_child(parent, child)
        if child is not None:
            parent.children.append(child)

    def assure_no_text(self, element: Element, text: str) -> None:
        if self.check and text.strip(" \t\n\v\f\r"):
            self._fail(element, f'Element "{element.name}" must not contain text.')

    def _fail(self, element: Element, text: str) -> None:
        self.diagnostics.static_error(text, Place(element.line))

    def _misplaced(self, parent: Element, child: Element) -> None:
        self._fail(parent, f'Element "{child.name}" cannot be subelement of element "{parent.name}".')

    def _check_child(self, parent: Element, child: Element | None) -> None:
        name = parent.name
        if name in ("for", "if", "retro") and parent.evaluator() is None:
            if child is None or not child.is_evaluator:
                article = "An" if name == "if" else "A"
                self._fail(
                    parent, f"{article} {name.capitalize()} statement must have an Evaluator as first sub-statement."
                )
        elif child is None:
            return
        elif name in ("osm-script", "foreach", "for", "if", "retro", "complete", "compare"):
            if child.name == "newer":
                self._fail(parent, _NEWER_MISPLACED)
        elif name == "union" and child.name == "newer":
            self._fail(parent, _NEWER_MISPLACED)
        elif name in ("union", "difference"):
            if name == "difference" and len(parent.children) >= 2:
                self._fail(
                    parent,
                    "A set difference always requires exactly two substatements: "
                    "the set of elements to copy to the result minus "
                    "the set of elements to leave out in the result.",
                )
            if not has_result(child.name, child.get("into")):
                self._misplaced(parent, child)
        elif name == "query":
            if child.name != "has-kv" and child.name not in NARROWING:
                self._misplaced(parent, child)
        elif name in ("convert", "make"):
            self._check_assignment(parent, child)
        elif name in ("filter", "set-prop"):
            self._check_single_evaluator(parent, child)
        else:
            self._check_operand(parent, child)

    def _check_assignment(self, parent: Element, child: Element) -> None:
        if child.name != "set-prop":
            self._misplaced(parent, child)
            return
        keytype = child.get("keytype")
        if self._assigning is not parent:
            self._assigning = parent
            self._assigned = Counter(map(_target, parent.children))
        earlier = self._assigned[_target(child)]
        self._assigned[_target(child)] += 1
        keytype = child.get("keytype")
        if not earlier:
            return
        if keytype == "tag" and child.get("k"):
            for _ in range(earlier):
                self._fail(parent, f'A key cannot be added twice to an element: "{child.get("k")}"')
        elif keytype == "id":
            self._fail(
                parent,
                f"A {parent.name} statement can have at most one set-prop statement of subtype setting the id.",
            )
        elif keytype == "geometry":
            self._fail(
                parent, "A make statement can have at most one set-prop statement of subtype setting the geometry."
            )
        elif keytype == "generic":
            self._fail(parent, f"A {parent.name} statement can have at most one any-key set-prop statement.")

    def _check_single_evaluator(self, parent: Element, child: Element) -> None:
        if parent.name == "set-prop" and parent.children:
            self._fail(parent, "set-prop must have exactly one evaluator substatement.")
        elif not child.is_evaluator:
            self._misplaced(parent, child)
        elif parent.children:
            self._fail(parent, "A filter statement can have at most one evaluator statement.")

    def _check_operand(self, parent: Element, child: Element) -> None:
        count, complaint = _OPERANDS.get(parent.name, (0, ""))
        if count == 0 or not child.is_evaluator:
            self._misplaced(parent, child)
        elif 0 < count <= len(parent.children):
            self._fail(parent, f"{parent.name} must have exactly {complaint}.")


def _target(assignment: Element) -> tuple[str, str]:
    """What a set-prop sets: only one of a convert or make may set it."""
    keytype = assignment.get("keytype")
    return keytype, assignment.get("k") if keytype == "tag" else ""
