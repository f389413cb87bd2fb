"""Where a key may be presented, and what is not taken for one."""

import pytest
from starlette.datastructures import Headers

from server.credentials import MAX_KEY, MAX_OFFERED, CredentialsError, presented_key

KEY = "openai-insecure-api-key."


def headers(*values: str) -> Headers:
    """Of a request with these Authorization headers."""
    return Headers(raw=[(b"authorization", value.encode("latin-1")) for value in values])


@pytest.mark.parametrize("value", ["Bearer ov_x", "bearer ov_x", "BEARER   ov_x "])
def test_a_bearer_token_is_the_key(value: str) -> None:
    assert presented_key(headers(value)) == "ov_x"


def test_a_browser_offers_its_key_as_a_subprotocol_among_others() -> None:
    offered = ["realtime", KEY + "ek_1", "openai-organization.org", "openai-project.p"]
    assert presented_key(headers(), offered) == "ek_1"


def test_nothing_presented_is_no_error() -> None:
    assert presented_key(headers(), ["realtime"]) is None


@pytest.mark.parametrize(
    ("values", "offered"),
    [
        (["Bearer a", "Bearer b"], []),
        (["Bearer a", "Bearer a"], []),
        (["Bearer a"], [KEY + "b"]),
        (["Bearer a"], [KEY + "a"]),
        ([], [KEY + "a", KEY + "b"]),
        (["Basic dTpw"], []),
        (["ov_x"], []),
        ([""], []),
        (["Bearer"], []),
        (["Bearer "], []),
        ([], [KEY]),
        (["Bearer " + "x" * (MAX_KEY + 1)], []),
        ([], [KEY + "x" * (MAX_KEY + 1)]),
        ([], ["realtime"] * (MAX_OFFERED + 1)),
        ([], ["x"] * 8000),
    ],
)
def test_what_is_not_one_key_is_refused(values: list[str], offered: list[str]) -> None:
    with pytest.raises(CredentialsError):
        presented_key(headers(*values), offered)


def test_the_words_of_a_refusal_have_no_key_in_them() -> None:
    with pytest.raises(CredentialsError) as refused:
        presented_key(headers("Bearer ov_secret"), [KEY + "ek_secret"])
    assert "secret" not in str(refused.value)
