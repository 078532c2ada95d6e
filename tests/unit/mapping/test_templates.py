"""Mapping templates. Sources: Velocity User Guide 1.7; API Gateway Developer Guide, "Variables for data
transformations"."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.mapping.input import Input, Util
from lambent.mapping.vtl.parser import parse
from lambent.mapping.vtl.scope import TemplateFailed

BODY = {"a": "it's", "l": [{"p": 5}, {"p": 20}], "n": None, "m": {"k": "v"}}
PARAMETERS = {"path": {"id": "7"}, "querystring": {"q": "z", "id": "8"}, "header": {"X-Trace": "t"}}


def render(template: str, **variables: Any) -> str:
    known = {"input": Input(json.dumps(BODY), PARAMETERS), "util": Util(), "context": {"identity": {"sourceIp": "::1"}}}
    return parse(template).render(known | variables)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain $5 #abc a$ \\$x ${", "plain $5 #abc a$ $x ${"),
        ("$no $!no ${no} $!{no}x ${no|'none'}", "   x none"),
        ("#set($a = 1 + 2 * 3 - 4 / 2)$a", "5"),
        ("#set($a = -7 / 2)$a #set($b = -7 % 2)$b", "-3 -1"),
        ("#set($a = 'x')#set($b = \"$a-${a}y\")$b", "x-xy"),
        ("#if(1 == 1 && !(2 < 1) || $no)yes#else no#end", "yes"),
        ("#if($no)a#elseif('a' eq 'b')b#{else}c#end", "c"),
        ("#if('')empty is true#end", "empty is true"),
        ("#foreach($x in [1..3])$x$foreach.index#if($foreach.hasNext),#end#end", "10,21,32"),
        ("#foreach($x in [3..1])$x#if($x == 2)#break#end#end!", "32!"),
        ("a#stop b", "a"),
        ("#set($m = {'k': [1, 2]})$m.k[1] $m['k'].size() $m.get('no')", "2 2 "),
        ("#set($m = {})#set($m.a = 1)#set($m['b'] = $m.a)$m $m.keySet()", "{a=1, b=1} [a, b]"),
        ("#macro(hi $n)Hi $n#end#hi('Bo') #other('x')", "Hi Bo #other('x')"),
        ("## gone\nleft #* gone *#right #[[ $raw #if ]]#", "left right  $raw #if "),
        ("#if(true)\n  x\n#end\ny", "  x\ny"),
        ("$context.identity.sourceIp", "::1"),
        ("$input.json('$.l') $input.path('$.l[1].p') $input.json('$.no')", '[{"p":5},{"p":20}] 20 ""'),
        ("$input.path('$.m') $input.params('id') $input.params('x-trace') [$input.params('no')]", "{k=v} 7 t []"),
        ("#foreach($p in $input.params().keySet())$p #end", "path querystring header "),
        ("$input.path('$..p')", "[5,20]"),
        ("$util.parseJson('{\"x\": [{\"a\": \"b\"}, 1, null]}')", '{x=[{"a":"b"},1,null]}'),
        ("$util.parseJson('[\"a\"]') #set($l = ['a', 1])$l #set($t = 'a,b')$t.split(',')", '["a"] [a, 1] [a, b]'),
        ("#set($l = $input.path('$.l'))#set($ok = $l.add('x'))$l", '[{"p":5},{"p":20},"x"]'),
        ("$util.escapeJavaScript($input.path('$.a')) $util.urlEncode('a b/~*') $util.base64Encode('hé')",
         "it\\'s a+b%2F%7E* aMOp"),
        ("$util.parseJson('{\"x\": [7]}').x[0] $util.urlDecode('a+b%21') $util.base64Decode('aMOp')", "7 a b! hé"),
        ("$util.escapeJavaScript(\"it's\").replaceAll(\"\\\\'\", \"'\")", "it's"),
        ("#set($s = 'a,b,,')$s.split(',').size() $s.toUpperCase().substring(0, 3) $s.replaceAll('(a)', '<$1>')",
         "2 A,B <a>,b,,"),
        ("#set($Integer = 0)#set($n = $Integer.parseInt('41') + 1)$n", "42"),
        ("#set($l = [])#set($ok = $l.add('x'))$l $l.contains('x') $l.isEmpty()", "[x] true false"),
    ],
)  # fmt: skip
def test_a_template_says_what_velocity_would(template: str, text: str) -> None:
    assert render(template) == text


@pytest.mark.parametrize(
    "template",
    ["#if(1", "#if(1)x", "#end", "#set($a)", "#set(1 = 2)", "#foreach($x of $y)#end", "#include('x')", "#parse('x')",
     "#evaluate('x')", "#define($x)y#end", "$x.y(", "#set($x = )", "#set($x = [1, 2)", "#if(" + "(" * 500],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_line(template: str) -> None:
    with pytest.raises(TemplateFailed, match=r"line|nested"):
        parse("\n" + template)


@pytest.mark.parametrize(
    "template",
    [
        "#foreach($a in [1..9999])#foreach($b in [1..9999])x#end#end",
        "#set($a = 'xxxxxxxxxx')#foreach($i in [1..40])#set($a = $a + $a)#end",
        "#set($a = 'x')#foreach($i in [1..40])#set($a = \"$a$a\")#end",
        "#set($a = ['x'])#foreach($i in [1..60])#set($a = [$a, $a])#end$a",
        "#set($a = [1])#set($b = [1])#foreach($i in [1..60])#set($a = [$a,$a])#set($b = [$b,$b])#end#if($a == $b)#end",
        "#set($m = {})#set($n = {'m': $m})#set($ok = $m.put('n', $n))$m",
        "#macro(again $x)#again($x)#end#again(1)",
        "#set($a = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')$a.matches('(a|aa)+')",
        "#set($a = 'x')#foreach($i in [1..30])#set($a = $a.replace('x', 'xxxx'))#end",
        "#set($a = 'x')#foreach($i in [1..30])#set($a = $a.replaceAll('x', 'xxxx'))#end",
    ],
)  # fmt: skip
def test_no_template_takes_for_ever_or_grows_without_end(template: str) -> None:
    with pytest.raises(TemplateFailed):
        render(template)


@pytest.mark.parametrize(
    "template",
    ["$x.__class__", "$x.upper", "$input.__init__", "$input._body", "$util.METHODS", "$l.append", "$context.keys"],
)
def test_nothing_of_python_is_reachable(template: str) -> None:
    assert render(template, x="text", l=[1]) == ""
    with pytest.raises(TemplateFailed, match="there is no"):
        render(template + "()", x="text", l=[1], context="text")


@settings(max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            ["#if(", "#end", "#set(", "$a", ")", "(", "[", "]", "'x'", '"$a"', "{", "}", "#foreach(", "$x in ", "#else",
             " ", "=", "1", "..", ".m", "#macro(", "##", "#*", "\\", "$!{", "|", "&&", "\n"]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_any_text_is_a_template_or_is_refused(pieces: list[str]) -> None:
    with contextlib.suppress(TemplateFailed):
        render("".join(pieces), a={"m": [1]})


@settings(max_examples=60)
@given(st.text(st.characters(exclude_characters="$#\\")))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert render(text) == text


def test_what_is_not_known_of_a_request_is_written_as_nothing() -> None:
    """As the outputs show that the template "Method request passthrough" of API Gateway's console has on AWS."""
    template = (
        '{"caller": "$context.identity.caller", "key": "$context.identity.apiKey", "mine": "$stageVariables.none"}'
    )
    assert render(template) == '{"caller": "", "key": "", "mine": ""}'
    assert render("[$input.path('$.none')]") == "[]"
