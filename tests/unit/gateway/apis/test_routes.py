"""Which route a request takes, and which API. Source: API Gateway Developer Guide, "Create routes for HTTP APIs"."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.gateway.apis.address import ApiAddress, Place, named_by_host, named_by_path, place_of
from lambent.gateway.apis.domains import address_at, may_be_custom
from lambent.gateway.apis.routes import RouteTable
from lambent.model.apis import DomainMapping
from lambent.model.http import HttpRequest

GUIDE = ("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default")
SEGMENTS = st.sampled_from(["a", "b", "{x}", "{y}"])


def table(*keys: str) -> RouteTable[str]:
    return RouteTable((key, key) for key in keys)


@pytest.mark.parametrize(
    ("method", "path", "key"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1"),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
        ("POST", "/test/5", "ANY /{proxy+}"),
        ("POST", "/pets/dog/1", "ANY /{proxy+}"),
        ("GET", "/", "$default"),
    ],
)
def test_the_guides_own_examples(method: str, path: str, key: str) -> None:
    found = table(*GUIDE).match(method, path)
    assert found is not None
    assert found.route == key


def test_a_choice_that_leads_nowhere_is_taken_back() -> None:
    routes = table("GET /a/b/c", "GET /{x}/b/d", "ANY /a/b")
    assert routes.match("GET", "/a/b/d") == ("GET /{x}/b/d", {"x": "a"})
    assert routes.match("PUT", "/a/b") == ("ANY /a/b", {})
    assert routes.match("PUT", "/a/b/d") is None
    assert table("GET /{x}/b", "GET /a/{rest+}").match("GET", "/a/b") == ("GET /a/{rest+}", {"rest": "b"})


def test_parameters_are_decoded_and_the_rest_keeps_its_slashes() -> None:
    routes = table("GET /a/{x}/{rest+}")
    found = routes.match("GET", "/a/caf%C3%A9%2Fbar/b%20c//d")
    assert found is not None
    assert found.parameters == {"x": "café/bar", "rest": "b c//d"}
    assert routes.match("GET", "/a/x/") is None
    assert routes.match("GET", "/a//x") is None


@settings(max_examples=100)
@given(
    st.lists(st.lists(SEGMENTS, min_size=1, max_size=4), min_size=1, max_size=6),
    st.lists(st.sampled_from("abc"), max_size=4),
)
def test_a_route_that_is_found_fits_and_one_is_found_if_any_fits(paths: list[list[str]], asked: list[str]) -> None:
    keys = {f"GET /{'/'.join(path)}" for path in paths}
    found = table(*keys).match("GET", "/" + "/".join(asked))
    fitting = [key for key in keys if _fits(key.removeprefix("GET /").split("/"), asked or [""])]
    assert (found is None) == (not fitting)
    if found is not None:
        assert found.route in fitting


def _fits(path: list[str], asked: list[str]) -> bool:
    return len(path) == len(asked) and all(
        (bool(there) if part.startswith("{") else part == there) for part, there in zip(path, asked, strict=True)
    )


def request(host: str, path: str) -> HttpRequest:
    return HttpRequest("GET", path, "", [("host", host)])


@pytest.mark.parametrize(
    ("host", "path", "wanted"),
    [
        ("abc.execute-api.eu-west-1.localhost:4566", "/p/x", ("abc", "eu-west-1", "/p/x", "")),
        ("ABC.Execute-Api.eu-west-1.localhost", "/", ("abc", "eu-west-1", "/", "")),
        (
            "abc.execute-api.eu-west-1.localhost",
            "/_aws/execute-api/xyz/p",
            ("abc", "eu-west-1", "/_aws/execute-api/xyz/p", ""),
        ),
        ("127.0.0.1:4566", "/_aws/execute-api/abc/p/x", ("abc", "", "/p/x", "")),
        ("127.0.0.1:4566", "/_aws/execute-api/abc", ("abc", "", "/", "")),
        ("localhost", "/restapis/abc/p/_user_request_/x/y", ("abc", "", "/x/y", "p")),
        ("localhost", "/restapis/abc/p/_user_request_", ("abc", "", "/", "p")),
    ],
)
def test_an_api_is_addressed_by_host_or_by_path(host: str, path: str, wanted: tuple[str, ...]) -> None:
    found = named_by_host(request(host, path)) or named_by_path(request(host, path))
    assert found is not None
    assert (found.api_id, found.region, found.path, found.stage) == wanted


@pytest.mark.parametrize("path", ["/", "/restapis/abc/stages/x", "/restapis", "/_aws/lambda-url/x"])
def test_other_requests_are_for_no_api(path: str) -> None:
    asked = request("127.0.0.1:4566", path)
    assert named_by_host(asked) is None
    assert named_by_path(asked) is None


@pytest.mark.parametrize("host", ["u.lambda-url.eu-west-1.localhost", "pets.s3.localhost", "pets.S3.eu-west-1.x.org"])
@pytest.mark.parametrize("path", ["/_aws/execute-api/abc/p", "/restapis/abc/p/_user_request_/x"])
def test_a_path_leads_to_no_api_where_the_host_is_somebody_elses(host: str, path: str) -> None:
    """Source: RFC 6454: what one host answers is of one origin."""
    assert named_by_host(request(host, path)) is None
    assert named_by_path(request(host, path)) is None


@settings(max_examples=100)
@given(st.text(max_size=40), st.text(max_size=40))
def test_no_host_and_no_path_does_harm(host: str, path: str) -> None:
    found = named_by_host(request(host, "/" + path)) or named_by_path(request(host, "/" + path))
    if found is not None:
        assert found.path.startswith("/")
        place_of(found, {"$default"})
    may_be_custom(host)


def test_a_stage_is_the_one_that_the_path_begins_with_or_the_default_one() -> None:
    def at(path: str, **more: Any) -> ApiAddress:
        return ApiAddress("abc", "", path, "d", **more)

    stages = {"$default", "prod"}
    assert place_of(at("/prod/x"), stages) == Place("prod", "/x", "/prod")
    assert place_of(at("/prod"), stages) == Place("prod", "/", "/prod")
    assert place_of(at("/%70rod/x"), stages) == Place("prod", "/x", "/%70rod")
    assert place_of(at("/other/x"), stages) == Place("$default", "/other/x", "")
    assert place_of(at("/$default/x"), stages) == Place("$default", "/x", "")
    assert place_of(at("/other/x"), {"prod"}) is None
    assert place_of(at("/x", stage="prod", base="/v1"), stages) == Place("prod", "/x", "/v1")
    assert place_of(at("/x", stage="gone"), stages) is None


def test_the_longest_key_of_a_domain_name_wins_in_whole_parts() -> None:
    mappings = [DomainMapping(key, key or "root", "s") for key in ("", "shop", "shop/v1")]
    for path, api_id, rest in (
        ("/shop/v1/pets", "shop/v1", "/pets"),
        ("/shop/v2", "shop", "/v2"),
        ("/shopping", "root", "/shopping"),
        ("/shop", "shop", "/"),
    ):
        found = address_at("Api.Example.com:80", path, mappings)
        assert found is not None
        assert (found.api_id, found.path, found.domain) == (api_id, rest, "Api.Example.com")
    assert address_at("h", "/x", mappings[1:]) is None
    hosts = ("127.0.0.1:80", "localhost:80", "[::1]", "", "api.example.com")
    assert [may_be_custom(host) for host in hosts] == [False, False, False, False, True]
