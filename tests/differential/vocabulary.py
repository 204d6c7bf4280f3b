"""The words that data and queries share, so that queries find something."""

from __future__ import annotations

PLAIN_KEYS = ("a", "b", "name", "highway", "ref")
ODD_KEYS = ("a b", "ü", 'q"k', "_x", "10", "addr:street", " a", "<&>", "e\\f", "A")
PLAIN_VALUES = ("1", "2", "yes", "no", "cafe", "a", "b", "10", "9a")
NUMBERS = (
    "-3",
    "07",
    "0x1F",
    "1e3",
    "1.50",
    "2.5",
    "-0",
    " 5",
    "5 ",
    "+5",
    "nan",
    "inf",
    "1e400",
    "0.1",
    "123456789012",
)
PHRASES = ("5 mph", "-5,3", " 12.5km", "a;b", "b; a ;c", ";a;;b", "1;2;10", "2020-03-01", "2020-03-01T10:20:30Z")
ODD_VALUES = (
    " lead", "trail ", "ÄÖ", "日本", "é", 'say "hi"', "<&>'", "two\nlines", "tab\there", "cr\rlf", "back\\slash",
    "1,2", "😀", "x" * 120, "Cafe", "a.b", "[a]", "\x7f", "%41", "ß",
)  # fmt: skip
VALUES = (*PLAIN_VALUES, *NUMBERS, *PHRASES, *ODD_VALUES)
KEYS = (*PLAIN_KEYS, *ODD_KEYS)
ROLES = ("", "", "outer", "inner", "stop", "a b", 'q"r', "ü", "<r>")
USERS = {1: "u", 2: "alice", 3: "bob 2", 4: 'Q"x', 5: "Ümläut", 6: "a,b", 7: "<&>", 4000000: " blank "}

REGEXES = (
    ".", ".*", "^1", "a", "^$", "c.*e", "[0-9]+", "(a|b)", "\\.", "\\w", "é", "^yes$", "A", "a{2}", "[[:alpha:]]",
    "\\bcafe\\b", "^.$", "..", "^..$", "x*", "y|n", "[^a]", "\\[", "^(1|2|10)$", "ä", "Ö", "\\s", "m?h", "^[-0-9.]+$",
    "", "a|", "()", "😀", "^日", "e$", ";", "^\\d", '"', "<",
)  # fmt: skip
KEY_REGEXES = (".", "^a", "name", "^.$", "[ab]", "ü", "_", "A", "street$", "0", "^(a|b)$", '"', " ")
WRONG_REGEXES = ("(", "[", "a{2", ")", "a**", "*", "+a", "a{3,1}", "[z-a]", "\\")
