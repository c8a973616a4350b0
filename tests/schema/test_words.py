"""A person's words in texts: found however they are written, taken out, and nobody else's touched."""

import json

import pytest

from schema.persons.identifiers import PersonIdentifiers

WORDS = PersonIdentifiers("cnt_1", ("Jörg O'Neil-Groß", "J. J. Smith"), ("joerg@example.org",), ("+49 171/90 45-566", "110"))


@pytest.mark.parametrize(
    "text",
    [
        "Jörg O'Neil-Groß",
        "JÖRG O'NEIL-GROSS",
        "Jo\u0308rg O'Neil-Groß",
        "J%C3%B6rg+O%27Neil-Gro%C3%9F",
        "O'Neil-Groß, Jörg",
        "O'Neil-Groß Jörg",
        "jörg \n o'neil-groß",
        "smith, j. j.",
        "Joerg@Example.org",
        "<joerg@example.org>",
        "+491719045566",
        "491719045566",
        "+49 (171) 9045566",
        "49-171-904-55-66",
        "Jörg O\u2019Neil\u2013Groß",
        "JÖRG O\u02bcNEIL\u2011GROSS",
        "O'Neil-Groß,Jörg",
        "+49\u2013171\u2011904\u201055\u201366",
        "+49 (0)171 9045566",
        "Jörg O'Neil-Groß, Jo\u0308rg O'Neil-Groß und J%C3%B6rg+O%27Neil-Gro%C3%9F",
    ],
)
def test_found(text: str) -> None:
    """In another case, form, order or spelling of blanks, apostrophes and hyphens, percent-encoded, and in several of these at once."""
    assert WORDS.find(f"Call {text}!")
    assert not WORDS.find(WORDS.redact(f"Call {text}!"))
    assert "call" in WORDS.redact(f"Call {text}!").lower()


@pytest.mark.parametrize(
    "text", ["Jörg", "Groß", "Jörgs O'Neil-Großer", "ajoerg@example.org", "joerg@example.organisation", "4917190455661", "110", "", "100 %"]
)
def test_not_found(text: str) -> None:
    """Parts of a name, other addresses and numbers, and numbers that are too short to be anybody's."""
    assert not WORDS.find(text)
    assert WORDS.redact(text) == text


@pytest.mark.parametrize(
    ("name", "text", "left"),
    [
        ("太郎 山田", "担当は山田太郎様です", "担当は…様です"),
        ("太郎 山田", "担当は山田 太郎です", "担当は…です"),
        ("マイケル ジョーダン", "ﾏｲｹﾙ･ｼﾞｮｰﾀﾞﾝ氏", "[erased]氏"),
        ("철수 김", "김철수는", "…는"),
        ("สมชาย ใจดี", "คุณสมชาย ใจดีครับ", "คุณ[erased]ครับ"),
        ("伟 王", "找王 伟先生", "找…先生"),
        ("王伟", "找王伟先生", "找…先生"),
        ("伟 王", "国王伟大", "国王伟大"),
        ("Jane Doe", "JaneDoe", "JaneDoe"),
        ("Jane Doe", "联系Jane Doe谢谢", "联系[erased]谢谢"),
        ("Jane Doe", "联系jane.doe@x.example谢谢", "联系[erased]谢谢"),
    ],
)
def test_letters_without_blanks(name: str, text: str, left: str) -> None:
    """Where no blanks stand between words, none has to stand around a name, nor within it unless its two letters may be any word's."""
    assert PersonIdentifiers("cnt_1", (name,), ("jane.doe@x.example",), ()).redact(text) == left


def test_no_text_gets_longer() -> None:
    """What stands in place of a short name is no longer than it, so that no limit is broken."""
    short = PersonIdentifiers("cnt_1", ("A B",), (), ())
    assert short.redact("A B and A B") == "… and …"


def test_json_stays_as_it_is_written() -> None:
    """Only texts that name the person change: keys, numbers and all else keep their bytes."""
    text = '{"name":"J. J. Smith: \\"x\\"", "J. J. Smith":1.50,"n":491719045566,"big":12345678901234567890.10,"t":["110","smith, j. j."]}'
    assert WORDS.redact_json(text) == text.replace("J. J. Smith: ", "[erased]: ", 1).replace("smith, j. j.", "[erased]")
    assert WORDS.redact_json("null") == "null"


def test_an_answer_about_the_person() -> None:
    """All texts of the object with the person's id go, whatever they say; of others only what names the person."""
    answer = {"a": {"id": "cnt_1", "x": "old title", "n": 12, "deals": [{"id": "opp_1", "name": "For J. J. Smith", "v": None}]}}
    redacted = json.loads(WORDS.redact_answer(json.dumps(answer)))
    assert redacted == {"a": {"id": "cnt_1", "x": "[erased]", "n": 12, "deals": [{"id": "opp_1", "name": "For [erased]", "v": None}]}}
    other = '{"a":{"id":"cnt_2","x":"old title","v":12345678901234567890.10}}'
    assert WORDS.redact_answer(other) == other
    assert WORDS.redact_answer(other.replace("cnt_2", "cnt_1")) == other.replace("cnt_2", "cnt_1").replace("old title", "[erased]")


def test_a_name_in_two_parts() -> None:
    """An answer that tells first and last name apart, without the id, is one about the person."""
    apart = PersonIdentifiers("cnt_1", ("Jane Roe",), (), (), frozenset({"Jane", "Roe"}), ("Jane", "Roe"))
    assert apart.redact_answer('{"first":"Jane","last":"Roe","n":1}') == '{"first":"[erased]","last":"[erased]","n":1}'
    assert apart.redact_answer('{"first":"Jane"}') == '{"first":"Jane"}'
