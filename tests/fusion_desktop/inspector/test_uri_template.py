import pytest

from composite_runtime.errors import FusionError
from fusion_desktop.inspector.uri_template import Value, Variable, expand, variables

# The variables of RFC 6570, section 3.2.
VALUES: dict[str, Value] = {
    "count": ["one", "two", "three"],
    "dom": ["example", "com"],
    "dub": "me/too",
    "hello": "Hello World!",
    "half": "50%",
    "var": "value",
    "who": "fred",
    "base": "http://example.com/home/",
    "path": "/foo/bar",
    "list": ["red", "green", "blue"],
    "keys": {"semi": ";", "dot": ".", "comma": ","},
    "v": "6",
    "x": "1024",
    "y": "768",
    "empty": "",
    "empty_keys": {},
}


@pytest.mark.parametrize(
    ("template", "address"),
    [
        ("{var}", "value"),
        ("{hello}", "Hello%20World%21"),
        ("{half}", "50%25"),
        ("O{empty}X", "OX"),
        ("O{undef}X", "OX"),
        ("{x,y}", "1024,768"),
        ("{x,hello,y}", "1024,Hello%20World%21,768"),
        ("?{x,undef}", "?1024"),
        ("{var:3}", "val"),
        ("{var:30}", "value"),
        ("{list}", "red,green,blue"),
        ("{list*}", "red,green,blue"),
        ("{keys}", "semi,%3B,dot,.,comma,%2C"),
        ("{keys*}", "semi=%3B,dot=.,comma=%2C"),
        ("{+hello}", "Hello%20World!"),
        ("{+half}", "50%25"),
        ("{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"),
        ("{+base}index", "http://example.com/home/index"),
        ("{+path:6}here", "/foo/bhere"),
        ("{+keys*}", "semi=;,dot=.,comma=,"),
        ("{#hello}", "#Hello%20World!"),
        ("{#path,x}here", "#/foo/bar,1024here"),
        ("foo{#undef}", "foo"),
        ("www{.dom*}", "www.example.com"),
        ("X{.list}", "X.red,green,blue"),
        ("X{.empty_keys}", "X"),
        ("{/who,who}", "/fred/fred"),
        ("{/half,who}", "/50%25/fred"),
        ("{/var,empty}", "/value/"),
        ("{/list*,path:4}", "/red/green/blue/%2Ffoo"),
        ("{;x,y,empty}", ";x=1024;y=768;empty"),
        ("{;list*}", ";list=red;list=green;list=blue"),
        ("{;keys*}", ";semi=%3B;dot=.;comma=%2C"),
        ("{?x,y,empty}", "?x=1024&y=768&empty="),
        ("{?list*}", "?list=red&list=green&list=blue"),
        ("{?undef}", ""),
        ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
        ("{&var:3}", "&var=val"),
        ("a b%20c%zz/{var}", "a%20b%20c%25zz/value"),
        ("no variables", "no%20variables"),
    ],
)
def test_templates_expand_as_the_standard_says(template: str, address: str) -> None:
    assert expand(template, VALUES) == address


def test_variables_are_listed_once_and_in_order() -> None:
    assert variables("{a}/{b*}{?c:3,a}") == (Variable("a"), Variable("b", is_exploded=True), Variable("c", prefix=3))


@pytest.mark.parametrize("template", ["{", "}", "a{b", "{a b}", "{}", "{a:0}", "{=a}", "{a}}"])
def test_what_is_no_template_is_refused_in_words(template: str) -> None:
    with pytest.raises(FusionError, match="URI template"):
        variables(template)
