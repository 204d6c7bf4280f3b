"""Queries with their translations and messages, as OSM3S 0.7.62 gives them."""

from __future__ import annotations

TRANSLATIONS: list[tuple[str, str, str]] = []
"""(query, XML without the root element, compact QL)."""


def _translation(query: str, compact: str, *xml_lines: str) -> None:
    TRANSLATIONS.append((query, "".join(f"  {line}\n" for line in xml_lines), compact))


_PRINT = '<print e="" from="_" geometry="skeleton" ids="yes" limit="" mode="body" n="" order="id" s="" w=""/>'

_translation("out;", "out;", _PRINT)
_translation(
    ".a out ids geom qt 5 noids (1,2,3,4);",
    ".a out ids qt 5 geom noids(1,2,3,4);",
    '<print e="4" from="a" geometry="full" ids="no" limit="5" mode="ids_only" n="3" order="quadtile" s="1" w="2"/>',
)
_translation("node(3);", "node(3);", '<id-query type="node" ref="3"/>')
_translation("rel(id:5,3,5)->.a;", "relation(id:3,5)->.a;", '<id-query type="relation" ref="3" ref_1="5" into="a"/>')
_translation("node(51.0,7.10,52,8);", "node(51,7.1,52,8);", '<bbox-query s="51" w="7.1" n="52" e="8"/>')
_translation(
    "way(51,7,52,8)->.x;",
    "way(51,7,52,8)->.x;",
    '<query into="x" type="way">',
    '  <bbox-query s="51" w="7" n="52" e="8" into="x"/>',
    "</query>",
)
_translation(
    'nwr.a[k](around.b:10.50)["x"!~"^y",i][!z]._;',
    'nwr.a._["k"]["x"!~"^y",i]["z"!~".*"](around.b:10.5);',
    '<query into="_" type="nwr">',
    '  <item from="a" into="_"/>',
    '  <has-kv k="k" modv="" v=""/>',
    '  <has-kv case="ignore" k="x" modv="not" regv="^y"/>',
    '  <has-kv k="z" modv="not" regv=".*"/>',
    '  <item from="_" into="_"/>',
    '  <around from="b" radius="10.5"/>',
    "</query>",
)
_translation(
    "(node(1);way(2);)->.u;",
    "(node(1);way(2);)->.u;",
    '<union into="u">',
    '  <id-query type="node" ref="1"/>',
    '  <id-query type="way" ref="2"/>',
    "</union>",
)
_translation(
    "(.a; - .b;);",
    "(.a;-.b;);",
    '<difference into="_">',
    '  <item from="a" into="_"/>',
    '  <item from="b" into="_"/>',
    "</difference>",
)
_translation(
    "foreach.a->.b(out;);",
    "foreach.a->.b{out;}",
    '<foreach from="a" into="b">',
    "  " + _PRINT,
    "</foreach>",
)
_translation(
    'for->.g(t["k"]){.g out count;}',
    'for->.g(t[""k""]){.g out count;}',
    '<for from="_" into="g">',
    "  <eval-value>",
    '    <eval-fixed v="k"/>',
    "  </eval-value>",
    '  <print e="" from="g" geometry="skeleton" ids="yes" limit="" mode="count" n="" order="id" s="" w=""/>',
    "</for>",
)
_translation(
    "if(1+2*3==7||!0){out;}else{>;}",
    "if(1+2*3==7||!0){out;;}else{>;}",
    "<if>",
    "  <eval-or>",
    "    <eval-equal>",
    "      <eval-plus>",
    '        <eval-fixed v="1"/>',
    "        <eval-times>",
    '          <eval-fixed v="2"/>',
    '          <eval-fixed v="3"/>',
    "        </eval-times>",
    "      </eval-plus>",
    '      <eval-fixed v="7"/>',
    "    </eval-equal>",
    "    <eval-not>",
    '      <eval-fixed v="0"/>',
    "    </eval-not>",
    "  </eval-or>",
    "  " + _PRINT,
    "  <else/>",
    '  <recurse from="_" into="_" type="down"/>',
    "</if>",
)
_translation(
    'convert x ::=::,::id=id(),!note,"a b"=1--1;',
    "convert x ::=::,::=id(),!note,a b=1--1;",
    '<convert into="_" type="x">',
    '  <set-prop keytype="generic">',
    "    <eval-generic/>",
    "  </set-prop>",
    '  <set-prop keytype="generic">',
    "    <eval-id/>",
    "  </set-prop>",
    '  <set-prop keytype="tag" k="note"/>',
    '  <set-prop keytype="tag" k="a b">',
    "    <eval-minus>",
    '      <eval-fixed v="1"/>',
    '      <eval-fixed v="-1"/>',
    "    </eval-minus>",
    "  </set-prop>",
    "</convert>",
)
_translation(
    "make s n=a.count(nodes),g=::,_::=u(::),::geom=pt(1,2);",
    "make s n=a.count(node),g=::,_::=u(::),::geom=pt(1,2);",
    '<make into="_" type="s">',
    '  <set-prop keytype="tag" k="n">',
    '    <eval-set-count from="a" type="node"/>',
    "  </set-prop>",
    '  <set-prop keytype="tag" k="g">',
    "    <eval-generic/>",
    "  </set-prop>",
    '  <set-prop keytype="generic" from="_">',
    '    <eval-union from="_">',
    "      <eval-generic/>",
    "    </eval-union>",
    "  </set-prop>",
    '  <set-prop keytype="geometry">',
    "    <eval-point>",
    '      <eval-fixed v="1"/>',
    '      <eval-fixed v="2"/>',
    "    </eval-point>",
    "  </set-prop>",
    "</make>",
)
_translation("node(w:1,-1);", "node(w:-1,1);", '<recurse type="way-node" pos="-1,1"/>')
_translation(
    'rel(bn.a:"stop");',
    'relation(bn.a:"stop");',
    '<recurse from="a" type="node-relation" role="stop" role-restricted="yes"/>',
)
_translation("node(way_cnt:2-);", "node(way_cnt:2-);", '<recurse type="way-count" lower="2" upper="4294967295"/>')
_translation("is_in(51.50,7)->.a;", "is_in(51.5,7)->.a;", '<coord-query from="_" into="a" lat="51.50" lon="7"/>')
_translation(
    "timeline(rel,5,2);", "timeline(relation,5,2);", '<timeline into="_" ref="5" type="relation" version="2"/>'
)
_translation(
    "local ll(1,2,3,4);", "local ll(1,2,3,4);", '<localize e="4" from="_" into="_" n="3" s="1" type="ll" w="2"/>'
)
_translation(
    'way(user:"b","a")(newer:"2020-01-02 03:04:05");',
    'way(user:"a","b")(newer:"2020-01-02T03:04:05Z");',
    '<query into="_" type="way">',
    '  <user type="way" name_1="a" name_2="b"/>',
    '  <newer than="2020-01-02T03:04:05Z"/>',
    "</query>",
)
_translation(
    '/* c */ node["a\\"\\u00e9"=\'\\n\']; // end',
    'node["a\\"é"="\\n"];',
    '<query into="_" type="node">',
    '  <has-kv k="a&quot;é" modv="" v="&#x0a;"/>',
    "</query>",
)

SETTINGS: list[tuple[str, str, str]] = [
    (
        '[out:csv(::id,name;true;"|")][timeout:25][maxsize:1 Gi];out;',
        '<osm-script element-limit="1 Gi" output="csv" output-config="(::id,&quot;name&quot;;true;&quot;|&quot;)" '
        'timeout="25">',
        '[maxsize:1 Gi][out:csv(::id,"name";true;"|")][timeout:25];out;',
    ),
    (
        '[adiff:"2020-01-01T00:00:00Z","2020-02-01T00:00:00Z"][bbox:1,2,3,4];out;',
        '<osm-script augmented="deletions" bbox="1,2,3,4" date="2020-02-01T00:00:00Z" from="2020-01-01T00:00:00Z">',
        '[bbox:1,2,3,4][adiff:"2020-01-01T00:00:00Z","2020-02-01T00:00:00Z"];out;',
    ),
]
"""(query, first line of the XML, compact QL)."""

REJECTED: list[tuple[str, list[str]]] = [
    (
        'make x "q\\"k"="é\\u006e"/*c*/,b=lrs_union("c",!!2);',
        [
            'line 1: parse error: "!" cannot be used as binary operator',
            "line 39: parse error: Second argument of lrs_union(...) must be an evualator",
        ],
    ),
    ("foo;", ['line 1: parse error: Unknown type "foo"', "line 1: parse error: An empty query is not allowed"]),
    (
        "(node(1);)\nout;",
        ["line 2: parse error: ';' expected - 'out' found."],
    ),
    ("node(1)", ["line 2: parse error: ';' expected - ')' found.", "line 2: parse error: Unexpected end of input."]),
    (
        "node[a;",
        [
            "line 1: parse error: '!', '~', '=', '!=', or ']'  expected - ';' found.",
            "line 2: parse error: Unexpected end of input.",
            "line 2: parse error: Value expected - ';' found.",
            "line 2: parse error: ',' or ']' expected - ';' found.",
            "line 2: parse error: Unexpected end of input.",
            "line 2: parse error: Unexpected end of input.",
        ],
    ),
    (
        "[timeout:0];out;",
        [
            'line 1: static error: For the attribute "timeout" of the element "osm-script" the only allowed values are '
            'positive integers optionally with suffix "ki", "Mi", or "Gi".'
        ],
    ),
    (
        "node(91,0,92,0);",
        [
            'line 1: static error: For the attribute "s" of the element "bbox-query" the only allowed values are '
            "floats between -90.0 and 90.0.",
            'line 1: static error: For the attribute "n" of the element "bbox-query" the only allowed values are '
            "floats between -90.0 and 90.0.",
        ],
    ),
    ('node[a~"("];', ['line 1: static error: Invalid regular expression: "("']),
    ("(out;);", ['line 1: static error: Element "print" cannot be subelement of element "union".']),
    (
        "make x a=id();",
        [
            "line 1: parse error: id(...) must be called in a context where it can evaluate an element",
            "line 1: parse error: Property assignment needs a right-hand-side value",
        ],
    ),
    ("make x a=1,a=2;", ['line 1: static error: A key cannot be added twice to an element: "a"']),
    (
        "node(if:geom());",
        [
            'line 1: static error: Evaluator for string expected, but function "eval-geometry" is an evaluator for '
            "geometry."
        ],
    ),
    ("node(1,2,3);", ["line 1: parse error: bbox requires four arguments"]),
    (
        '[out:json][diff:"2020-01-01T00:00:00Z"];out;',
        ["line 1: static error: The selected output format does not support the diff or adiff mode."],
    ),
    (
        '<print mode="foo"/>',
        [
            'line 3: static error: For the attribute "mode" of the element "print" the only allowed values are '
            '"ids_only", "skeleton", "body", "tags",  "count", or "meta".'
        ],
    ),
    (
        '<osm-script><print x="1"/>y<foo/></osm-script>',
        [
            'line 2: static error: Unknown attribute "x" in element "print".',
            'line 2: static error: Unknown tag "foo" in line 2.',
        ],
    ),
    (
        "<query></print>",
        [
            'line 3: static error: For the attribute "type" of the element "query" the only allowed '
            'values are "node", "way", "relation", "nwr", "nw", "wr", "nr", or "area".',
            "line 3: parse error: mismatched tag",
        ],
    ),
]
"""(query, messages with all checks on)."""
