"""What is personal goes, what only looks like it stays, and the same text always gives the same bytes."""

from __future__ import annotations

import json
import sys
import types
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.data.redaction import REDACTIONS, get_redactor, pseudonym
from tests.growth import MAX_GROWTH, growth

ALL = get_redactor(REDACTIONS)

# Card numbers: the networks' published test numbers. IBANs: examples of the SWIFT registry. Telephone numbers: ranges
# reserved for fiction (555-01xx; Ofcom's 020 7946 0xxx) or of directories' examples. Keys: the vendors' documentation.
PERSONAL = [
    ("Write to jane.doe+x@mail.example.co.uk, please.", "Write to [email], please."),
    ("<o'neil@example.org>", "<[email]>"),
    ("müller@bücher.example", "[email]"),
    ("pay with 4111 1111 1111 1111 now", "pay with [card] now"),
    ("5555555555554444", "[card]"),
    ("378282246310005 and 3056-9309-0259-04", "[card] and [card]"),
    ("IBAN GB29 NWBK 6016 1331 9268 19.", "IBAN [iban]."),
    ("DE89370400440532013000 AND MORE", "[iban] AND MORE"),
    ("NO93 8601 1117 947", "[iban]"),
    ("from 203.0.113.7:8080", "from [ip]:8080"),
    ("2001:db8::8a2e:370:7334 answers", "[ip] answers"),
    ("call (202) 555-0143", "call [phone]"),
    ("202-555-0143, 1-202-555-0143", "[phone], [phone]"),
    ("+44 20 7946 0958 or +49 (0)30 901820", "[phone] or [phone]"),
    ("ring 020 7946 0958 today", "ring [phone] today"),
    ("01 23 45 67 89", "[phone]"),
    ("my phone: 2025550143", "my phone: [phone]"),
    ("sk-proj-abcdefghijklmnop1234", "[key]"),
    ("AWS AKIAIOSFODNN7EXAMPLE ok", "AWS [key] ok"),
    ("ghp_16C7e42F292c6912E7710c838347Ae178B4a", "[key]"),
    ("Authorization: Bearer abcdef0123456789abcdef", "Authorization: Bearer [key]"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----\nafter", "[key]\nafter"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0", "[key]"),
    ("a@example.org b@example.org", "[email] [email]"),
    ("user bob password: hunter2 thanks", "user bob password: [key] thanks"),
    ("Password: swordfish", "Password: [key]"),
    ("passwd=s3cret&next=1", "passwd=[key]&next=1"),
    ("db_password = 'correct-horse'", "db_password = '[key]'"),
    ('{"pwd": "abc123", "n": 1}', '{"pwd": "[key]", "n": 1}'),
    ("PASSWORD=abc;PWD=def", "PASSWORD=[key];PWD=[key]"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = [key]"),
    ("AccountName=a;AccountKey=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zg==;X=1", "AccountName=a;AccountKey=[key];X=1"),
    ("api-key: 0123456789abcdef0123456789abcdef", "api-key: [key]"),
    (
        "https://blob.example/x?sv=1&sig=abcdefghijklmnopqrstuvwxyz0123456789%3D",
        "https://blob.example/x?sv=1&sig=[key]",
    ),
    ("abc8Q~abcdefghijklmnopqrstuvwxyz012345678", "[key]"),
    ("ya29.a0AfH6SMBabcdefghijklmnop and GOCSPX-abcdefghijklmnopqrstuvwx", "[key] and [key]"),
    ("xoxb-123456789012-abcdefghij", "[key]"),
    ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXX", "https://[key]"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "[key]"),
    ("sk-ant-api03-abcdefghijklmnop_qr", "[key]"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N", "[key]"),
    ("Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l", "Authorization: Basic [key]"),
    ("git clone https://bob:hunter2@git.example.org/x.git", "git clone https://[key]@git.example.org/x.git"),
    ("postgresql://svc:p@ss!word@db:5432/prod", "postgresql://[key]@db:5432/prod"),
    ("redis://:secret@cache:6379/0", "redis://[key]@cache:6379/0"),
]

HARMLESS = [
    "What is 123456789 plus 987654321?",
    "On 2024-01-15 at 10:30:45 we sold 12,345,678 units.",
    "4111 1111 1111 1112 has a wrong check digit",
    "GB29 NWBK 6016 1331 9268 18 has a wrong remainder",
    "id 550e8400-e29b-41d4-a716-446655440000",
    "version 1.2.3, section 4.5.6.7.8, std::vector<a::b>",
    "ISBN 978-3-16-148410-0",
    "call the function twice @decorator",
    "sk-short and AKIA too short",
    "the bearer of bad news",
    "3.14159265358979323846",
    "What is 26 plus 44? Give the sum. 1000000 1000001",
    "999.999.999.999",
    "[email] [card] [phone]",
    "Forgot password: how do I reset it?",
    "I changed my password, and now it says password incorrect",
    "password = getpass.getpass()",
    "password=None, api_key=os.environ['KEY'] or $API_KEY",
    "api_key: {{ api_key }} and password: <password>",
    "What is a primary key: a column or an index?",
    "Is the secret: patience and practice?",
    "access token: what is it for?",
    "see https://example.org:8080/a/b and http://example.org/@user",
    "time 10:30 @home, ratio a:b@c",
    "the basic idea of authorization",
    "sum + (97.94-97.44-73.34) + (65.18-64.52)",
]


@pytest.mark.parametrize(("text", "expected"), PERSONAL)
def test_what_is_personal_goes(text, expected):
    assert ALL(text) == expected


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_stays(text):
    assert ALL(text) == text


def test_each_find_is_counted_by_kind():
    counts = Counter()
    ALL("a@example.org, b@example.org, 4111111111111111, 203.0.113.7", counts)
    assert +counts == {"email": 2, "card": 1, "ip": 1}


def test_only_the_chosen_kinds_are_redacted():
    assert get_redactor(["card"])("a@example.org 4111111111111111") == "a@example.org [card]"
    assert get_redactor([]) is None


@settings(max_examples=200, deadline=None)
@given(text=st.text(st.sampled_from("aZ0 19@.:-+()[]\nDE8sk_")))
def test_a_second_time_changes_nothing(text):
    once = ALL(text)
    assert ALL(once) == once
    assert ALL(text) == once


@pytest.mark.parametrize(
    "block",
    [
        "a",
        "a.",
        "1",
        "1 ",
        "1-",
        "0",
        ":",
        "f:",
        "A1",
        "-----BEGIN ",
        "bearer ",
        "a@",
        "+1",
        "password:",
        "pwd=a ",
        "a://",
        "a://b:",
        "://b:c@",
        "api_key ",
        "k_live_",
        "sig=",
        "basic ",
    ],
)
def test_no_text_takes_longer_than_its_length_deserves(block):
    short, long = (block * (length // len(block)) + "@" for length in (25_000, 100_000))
    assert growth(ALL, short, long) < MAX_GROWTH


def test_metadata_stays_a_json_object_and_its_identifiers_stay_apart():
    counts = Counter()
    before = {
        "note": 'say "hi" to a@example.org',
        "tags": ["x", {"b@example.org": 1}],
        "user_id": "c@example.org",
        "other_user": "u-17",
        "card": 4111111111111111,
        "n": 3,
        "flag": True,
        "order": {"payment": [{"card": 5555555555554444}, {"card": 378282246310005.0}], "amount": 12.5, "id": 17},
        "login": {"user": "bob", "password": "hunter2", "headers": {"x-api-key": "abc", "api_key": ""}},
        "api_key": None,
        "secret_key": 123456,
    }
    after = json.loads(ALL.json_object(json.dumps(before), counts, ["user_id", "other_user"]))
    assert after == {
        **before,
        "note": 'say "hi" to [email]',
        "tags": ["x", {"[email]": 1}],
        "user_id": pseudonym("c@example.org"),
        "card": "[card]",
        "order": {"payment": [{"card": "[card]"}, {"card": "[card]"}], "amount": 12.5, "id": 17},
        "login": {"user": "bob", "password": "[key]", "headers": {"x-api-key": "[key]", "api_key": ""}},
        "secret_key": "[key]",
    }
    assert pseudonym("c@example.org") != pseudonym("d@example.org")
    untouched = '{"a":  1}'
    assert ALL.json_object(untouched, counts) == untouched


@pytest.fixture
def own_module(monkeypatch):
    module = types.ModuleType("own_rules")
    module.shout = str.upper
    module.fail = lambda text: text[1_000_000]
    module.nothing = lambda text: None
    module.number = 3
    monkeypatch.setitem(sys.modules, "own_rules", module)


@pytest.mark.usefixtures("own_module")
def test_a_function_of_the_users_own():
    counts = Counter()
    redactor = get_redactor("own_rules:shout")
    assert redactor("abc", counts) == "ABC"
    assert redactor("ABC", counts) == "ABC"
    assert counts == {"custom": 1}
    assert get_redactor("own_rules.shout").identity != get_redactor("own_rules.fail").identity


@pytest.mark.usefixtures("own_module")
@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("own_rules:fail", "own_rules:fail failed with IndexError"),
        ("own_rules:nothing", "returned NoneType, not text"),
    ],
)
def test_a_function_that_fails_is_told_without_the_text(wanted, told):
    redactor = get_redactor(wanted)
    with pytest.raises(ConfigurationError, match=told) as caught:
        redactor("a secret")
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("own_module")
@pytest.mark.parametrize("wanted", ["own_rules:missing", "no_such_module_x:f", "own_rules:number", "plain", ["emale"]])
def test_what_is_no_redactor_is_refused(wanted):
    with pytest.raises(ConfigurationError, match=r"privacy\.redact: "):
        get_redactor(wanted)
