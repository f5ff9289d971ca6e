"""`sluice verify`: every line its answer, the right one for real proofs, and malformed for any junk."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.verify import MAX_LINE, judge, read_lines, verify
from tests.wire.hostile import patient

# Two solutions of one nonce, made with our own solver: Equihash 48,5.
GOOD: dict[str, Any] = {
    "n": 48,
    "k": 5,
    "header": "d6e022bc70362cbafea48789be5b83e96e57106f8ec024918ab9c23a7eaa4806",
    "nonce": "47214ea575e59997948ae001c427f35671197cc7ac883b404b70cb76cb388af0",
    "solution": "0142dafe836eb9d17e1b3bc89a734c3a3b840c35683630da907ee11eaca2ddd5d64e33e9",
}
VALUE = "0f486745c7872b7422bb598ab82b488b6b1b7bbae9fc655e396e783fd28ba0bd"
ACCEPTED = {"valid": True, "reason": "accepted", "detail": "", "value": VALUE}
NEXT = f"{int(VALUE, 16) + 1:064x}"


def judged(**changes: Any) -> dict[str, Any]:
    return judge(json.dumps(GOOD | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"person": "AION0PoW"},
        {"header": GOOD["header"].upper(), "solution": GOOD["solution"].upper()},
        {"solution": "24" + GOOD["solution"]},
        {"target": NEXT},
        {"target": NEXT.upper(), "difficulty": 1e30},
        {"target": None, "difficulty": None},
        {"difficulty": 16},
        {"difficulty": 0.5},
        {"anything": {"else": [1]}, "valid": False},
    ],
)
def test_a_sound_share(changes: dict[str, Any]) -> None:
    assert judged(**changes) == ACCEPTED


def test_the_value_must_be_below_the_target() -> None:
    for asked in ({"target": VALUE}, {"difficulty": 17}, {"target": "0" * 64}):
        answer = judged(**asked)
        assert (answer["valid"], answer["reason"], answer["value"]) == (False, "low_difficulty", VALUE)


def test_the_target_comes_before_the_proof() -> None:
    halves = GOOD["solution"][36:] + GOOD["solution"][:36]
    assert judged(solution=halves)["reason"] == "invalid_solution"
    assert judged(solution=halves, target="0" * 63 + "1")["reason"] == "low_difficulty"


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"solution": GOOD["solution"][36:] + GOOD["solution"][:36]}, "order"),
        ({"solution": "00" * 36}, "order"),
        ({"person": "ZcashPoW"}, "collision:1"),
        ({"nonce": "00" * 32}, "collision:1"),
        ({"header": "00" * 108}, "collision:1"),
    ],
)
def test_a_proof_that_does_not_hold(changes: dict[str, Any], flaw: str) -> None:
    answer = judged(**changes)
    assert (answer["valid"], answer["reason"], answer["detail"]) == (False, "invalid_solution", flaw)
    assert len(answer["value"]) == 64


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"header": None}, "header must be a string of hex digits"),
        ({"nonce": 5}, "nonce must be a string of hex digits"),
        ({"solution": "xyz0"}, "solution is not hex of whole bytes"),
        ({"solution": "0" * 71}, "solution is not hex of whole bytes"),
        ({"solution": " " * 72}, "solution is not hex of whole bytes"),
        ({"solution": "\u0660" * 72}, "solution is not hex of whole bytes"),
        ({"header": ""}, "the header has 0 hex digits, not 2 to 440"),
        ({"header": "00" * 221}, "the header has 442 hex digits, not 2 to 440"),
        ({"nonce": "00" * 31}, "the nonce has 62 hex digits, not 64"),
        ({"n": "48"}, "n and k must be whole numbers"),
        ({"k": True}, "n and k must be whole numbers"),
        ({"n": 49}, "equihash/49_5: n must be"),
        ({"n": -(2**63)}, "equihash/-9223372036854775808_5: n must be"),
        ({"person": "short"}, "person must be 8 ASCII characters"),
        ({"person": "größe   "}, "person must be 8 ASCII characters"),
        ({"target": "ff"}, "target must be 64 hex digits"),
        ({"target": "z" * 64}, "target is not hex of whole bytes"),
        ({"difficulty": "8"}, "difficulty must be a number above 0"),
        ({"difficulty": 0}, "difficulty must be a number above 0"),
        ({"difficulty": True}, "difficulty must be a number above 0"),
    ],
)
def test_a_malformed_share_says_what_is_wrong(changes: dict[str, Any], detail: str) -> None:
    answer = judged(**changes)
    assert answer["detail"].startswith(detail)
    assert (answer["valid"], answer["reason"], answer["value"]) == (False, "malformed", "")


@pytest.mark.parametrize(
    "digits", ["", GOOD["solution"][:-2], GOOD["solution"] + "00", "fd2400" + GOOD["solution"]]
)
def test_a_solution_of_the_wrong_length_has_a_value_all_the_same(digits: str) -> None:
    answer = judged(solution=digits)
    assert answer["reason"] == "malformed"
    assert answer["detail"] == f"the solution has {len(digits)} hex digits, not 72"
    assert len(answer["value"]) == 64
    assert answer["value"] != VALUE


def test_a_solution_far_too_long_has_none() -> None:
    answer = judged(solution="00" * 5000)
    assert (answer["reason"], answer["value"]) == ("malformed", "")


def test_the_defaults_are_aions() -> None:
    fields = {name: GOOD[name] for name in ("header", "nonce", "solution")}
    assert judge(json.dumps(fields))["detail"] == "the solution has 72 hex digits, not 2816"
    prefixed = fields | {"solution": "fd8005" + "00" * 1408}
    assert judge(json.dumps(prefixed))["detail"] == "order"


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        ("\ud800", "not valid JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"[" * 50_000, "JSON nested too deeply"),
        (b" " * (MAX_LINE + 1), "a line of more than 65536 bytes"),
        (b"{}", "header must be a string of hex digits"),
    ],
)
def test_a_line_that_is_no_share(line: bytes | str, detail: str) -> None:
    assert judge(line) == {"valid": False, "reason": "malformed", "detail": detail, "value": ""}


def test_answers_come_in_order_and_as_they_are_asked_for() -> None:
    taken: list[int] = []

    def lines() -> Any:
        for number in range(3):
            taken.append(number)
            yield json.dumps(GOOD) if number != 1 else b"junk"

    answers = verify(lines())
    assert taken == []
    assert next(answers)["reason"] == "accepted"
    assert taken == [0]
    assert [answer["reason"] for answer in answers] == ["malformed", "accepted"]


def test_lines_of_a_stream_in_bounded_pieces() -> None:
    long = b"x" * (3 * MAX_LINE)
    stream = io.BytesIO(b"a\r\n\n" + long + b"\nb\n" + b"y" * MAX_LINE + b"\nlast")
    lines = list(read_lines(stream))
    assert [len(line) for line in lines] == [2, 0, MAX_LINE + 1, 1, MAX_LINE, 4]
    assert (lines[0], lines[3], lines[5]) == (b"a\r", b"b", b"last")
    assert judge(lines[2])["reason"] == "malformed"


VECTORS = sorted((Path(__file__).parent / "vectors").glob("equihash_*.jsonl"))


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_the_vectors(path: Path) -> None:
    with path.open("rb") as stream:
        for line, answer in zip(path.read_bytes().splitlines(), verify(read_lines(stream)), strict=True):
            vector = json.loads(line)
            # A solution's own length prefix is no flaw here, but taken off.
            if vector["kind"] == "length prefix left on" and answer["valid"]:
                continue
            assert (answer["valid"], answer["value"]) == (vector["valid"], vector["difficulty_hash"])
            assert (answer["reason"] == "malformed") == ("length" in vector["fails"])


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70)
fields = st.dictionaries(
    st.sampled_from([*GOOD, "person", "target", "difficulty"]),
    scalars | st.text("0123456789abcdef", max_size=80) | st.lists(scalars, max_size=2),
)
REASONS = ("accepted", "invalid_solution", "low_difficulty", "malformed")


def check(line: bytes | str) -> None:
    answer = judge(line)
    assert list(answer) == ["valid", "reason", "detail", "value"]
    assert answer["reason"] in REASONS
    assert answer["valid"] == (answer["reason"] == "accepted")
    assert "\n" not in json.dumps(answer)


@given(fields)
@patient
def test_any_fields_have_one_answer(changes: dict[str, Any]) -> None:
    check(json.dumps(GOOD | changes))


@given(st.binary() | st.text())
@example(b'{"n":1e999}')
@example(b'{"n":' + b"9" * 5000 + b"}")
@patient
def test_any_junk_has_one_answer(line: bytes | str) -> None:
    check(line)


@given(st.integers(0, 400), st.binary(max_size=8))
@patient
def test_a_damaged_line_has_one_answer(cut: int, junk: bytes) -> None:
    check(json.dumps(GOOD).encode()[:cut] + junk)
