"""Takes out of texts what must not be stored: addresses (e-mail, IP), phone, card and account numbers, passwords, keys.

What is found is replaced by its kind in brackets, `[email]`; equal texts give equal bytes. Patterns that numbers would
fit by chance are checked: cards by Luhn's sum, IBANs by country length and remainder, addresses by parsing. No pattern
finds everything that is personal: names and postal addresses are left, and want a function of the user's own.
"""

from __future__ import annotations

import hashlib
import importlib
import ipaddress
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faultmap_core.base.errors import ConfigurationError

REDACTIONS = ("key", "email", "iban", "card", "ip", "phone")
"""The kinds that are known, in the order in which they are looked for: the longer and surer ones first."""

CUSTOM = "custom"
"""The kind under which the changes of a user's own function are counted."""

# Another number when patterns change: files are then read anew.
_VERSION = 2

# Repeats are possessive (`++`) or bounded, so that no text takes longer than its length deserves.
_KEY = re.compile(
    r"""-----BEGIN[ ][A-Z0-9 ]{0,40}PRIVATE[ ]KEY(?:[ ]BLOCK)?-----
            (?:(?!-----END)[\s\S])*+(?:-----END[ ][A-Z0-9 ]{0,60}-----)?
      | (?<![A-Za-z0-9])(?:
            sk-[A-Za-z0-9_-]{16,}+ | pk-lf-[A-Za-z0-9-]{16,}+                    # OpenAI, Anthropic, Langfuse
          | [sr]k_(?:live|test)_[A-Za-z0-9]{16,}+ | whsec_[A-Za-z0-9+/=]{16,}+   # Stripe
          | (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])                   # AWS
          | gh[opsur]_[A-Za-z0-9]{20,}+ | github_pat_[A-Za-z0-9_]{20,}+ | glpat-[A-Za-z0-9_-]{20,}+
          | xox[abeoprs]-[A-Za-z0-9-]{10,}+ | xapp-\d-[A-Za-z0-9-]{10,}+         # Slack
          | hooks\.slack\.com/services/[A-Za-z0-9_/]{20,}+
          | AIza[A-Za-z0-9_-]{35} | ya29\.[A-Za-z0-9_-]{20,}+ | GOCSPX-[A-Za-z0-9_-]{20,}+   # Google
          | [A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,40}+                         # Azure
          | hf_[A-Za-z0-9]{30,}+ | gsk_[A-Za-z0-9]{20,}+ | npm_[A-Za-z0-9]{30,}+ | dapi[0-9a-f]{32}
          | pypi-[A-Za-z0-9_-]{30,}+ | SG\.[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{16,}+
          | eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]*+         # JSON Web Token
        )
      | (?<=[?&]sig=)[A-Za-z0-9%+/_=-]{30,}+                                     # Azure's shared access signature
      | (?i:\b(?:bearer|authorization:[ ]{0,2}basic)[ ]++)(?P<bearer>[A-Za-z0-9._~+/=-]{16,}+)""",
    re.VERBOSE,
)
_KEY_SIGNS = (
    "sk-", "pk-lf-", "k_live_", "k_test_", "whsec_", "AKIA", "ASIA", "ABIA", "ACCA", "gh", "glpat-", "xox", "xapp-",
    "hooks.slack", "AIza", "ya29.", "GOCSPX-", "Q~", "hf_", "npm_", "dapi", "pypi-", "SG.", "eyJ", "PRIVATE KEY",
    "sig=",
)  # fmt: skip
_CREDENTIALS_IN_URL = re.compile(
    r"(?<![A-Za-z0-9+.-])(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{1,20}+://)[^\s/:@\[]{0,256}+:[^\s/\[]{1,256}@(?=[\w\[])"
)
_SECRET_NAME = (
    r"pass[_ -]?word|passwd|passphrase|passwort|pwd|api[_-]?key|access[_-]?key|account[_-]?key|secret[_-]?key|"
    r"secret[_-]?access[_-]?key|private[_-]?key|client[_-]?secret|access[_-]?token|auth[_-]?token|refresh[_-]?token"
)
_NAMED_SECRET = re.compile(
    rf"""(?<![A-Za-z])(?:{_SECRET_NAME})(?![A-Za-z])["'`]?[ ]{{0,2}}(?P<sign>[:=])>?(?P<gap>[ ]{{0,2}})(?P<quote>["'`]?)
    (?P<secret>[^\s"'`,;&<>|]{{3,200}}+)(?P<after>[ \t]*+)""",
    re.VERBOSE | re.IGNORECASE,
)
_IS_SECRET_NAME = re.compile(rf"(?:.*[_.\s-])?(?:{_SECRET_NAME}|authorization)", re.IGNORECASE)
_SECRET_SIGNS = ("pass", "pwd", "key", "secret", "token")
# An expression of code, or the name of a parameter that is handed on.
_IN_CODE = re.compile(rf"[A-Za-z_][\w.]*[\[(]|(?:\w+\.)*(?:{_SECRET_NAME})\W*$", re.IGNORECASE)
# What stands for a secret in code and forms, and is none.
_NO_SECRETS = re.compile(
    r"(?:none|null|nil|true|false|undefined|required|optional|string|str|text|xxx+|\*+|\.+)\W*", re.IGNORECASE
)
_EMAIL = re.compile(r"(?<![\w.%+'-])[\w.%+'-]++@\w[\w-]*+(?:\.\w[\w-]*+)++")
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Z]{2})\d{2}(?:[ ]?[A-Z0-9]){11,30}")
_CARD = re.compile(r"(?<![\w.,-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![\w-]|[.,]\d)")
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]|\.\d)")
_PHONE = re.compile(
    r"""(?<![\w.,+-])(?:
        (?:\+|00(?=[1-9]))(?:(?:[ ]?|\()\d(?:[ .()/-]{0,2}\d){7,14})         # +49 170 1234567, 0033 1 23 45 67 89
      | (?:1[ .-])?(?:\(\d{3}\)[ ]?|\d{3}(?P<gap>[ .-]))\d{3}(?:(?P=gap)|[ .-])\d{4}   # (202) 555-0143
      | \(?0\d{1,4}\)?[ /-]\d{3,4}[ -]?\d{3,5}                            # 020 7946 0958, 089/1234567
      | 0\d(?:[ .-]\d{2}){4}                                              # 01 23 45 67 89
      | 0[1-9]\d{8,9}                                                     # 07911123456
    )(?![\w-]|[.,]\d)
    | (?i:\b(?:phone|telephone|tel|mobile|cell|whatsapp|call(?:[ ]me)?(?:[ ](?:at|on))?)[ .:]{1,3})
        (?P<called>\d(?:[ .-]?\d){6,14})(?![\w-]|[.,]\d)""",
    re.VERBOSE,
)

# SWIFT IBAN registry, release 99: length -> countries.
_COUNTRIES_BY_IBAN_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
    33: "RU",
}
_IBAN_LENGTHS = {
    country: length for length, countries in _COUNTRIES_BY_IBAN_LENGTH.items() for country in countries.split()
}
_SHORTEST_CARD, _LONGEST_CARD = 13, 19


@dataclass(frozen=True)
class Redactor:
    """Takes out of a text what must not be stored.

    Attributes:
        kinds: which of `REDACTIONS`, or `custom` alone.
        identity: changes whenever the same text would be redacted differently.
        function: the user's own, in place of the kinds.
    """

    kinds: tuple[str, ...]
    identity: str
    function: Callable[[str], Any] | None = field(default=None, compare=False)

    def __call__(self, text: str, counts: Counter[str] | None = None) -> str:
        """Return the text without what is redacted; add to `counts` how often each kind was found.

        Raises: ConfigurationError where the user's function fails, or returns no text; it says nothing of the text.
        """
        counts = Counter() if counts is None else counts
        if self.function is not None:
            return self._by_function(text, counts)
        for kind in self.kinds:
            text = _FINDERS[kind](text, counts)
        return text

    def _by_function(self, text: str, counts: Counter[str]) -> str:
        try:
            redacted = self.function(text) if self.function else text
        except Exception as error:
            # The error's own words may quote the text.
            raise ConfigurationError(f"privacy.redact: {self.identity} failed with {type(error).__name__}") from None
        if not isinstance(redacted, str):
            raise ConfigurationError(f"privacy.redact: {self.identity} returned {type(redacted).__name__}, not text")
        counts[CUSTOM] += redacted != text
        return redacted

    def structure(self, value: Any, counts: Counter[str]) -> Any:
        """Return JSON values with every text in them redacted, keys of inner objects included."""
        if isinstance(value, str):
            return self(value, counts)
        if isinstance(value, Mapping):
            return {self(str(key), counts): self._member(str(key), inner, counts) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.structure(inner, counts) for inner in value]
        return self._number(value, counts)

    def json_object(self, text: str, counts: Counter[str], identifiers: Iterable[str] = ()) -> str:
        """Return the text of a JSON object with its values redacted; those of `identifiers` become pseudonyms."""
        content = json.loads(text)
        named = set(identifiers)
        redacted = {
            key: self.identifier(str(value), counts)
            if key in named and not isinstance(value, dict | list)
            else self._member(key, value, counts)
            for key, value in content.items()
        }
        return text if redacted == content else json.dumps(redacted, ensure_ascii=False, sort_keys=True)

    def identifier(self, text: str, counts: Counter[str]) -> str:
        """Return an identifier as it is, or its pseudonym where it holds what is redacted.

        Replacing it like a text would make one of all users. A pseudonym hides the address from a reader; who has a
        list of addresses can still recognise one of them.
        """
        return pseudonym(text) if self(text, counts) != text else text

    def _member(self, name: str, value: Any, counts: Counter[str]) -> Any:
        """Return a member of an object redacted; of a member that is called a secret, all of it."""
        is_text = isinstance(value, str | int) and not isinstance(value, bool)
        if is_text and value != "" and "key" in self.kinds and _IS_SECRET_NAME.fullmatch(name):
            if not _NO_SECRETS.fullmatch(str(value)) and value != "[key]":
                counts["key"] += 1
                return "[key]"
            return value
        return self.structure(value, counts)

    def _number(self, value: Any, counts: Counter[str]) -> Any:
        # A card number that JSON carries as a number is one all the same.
        is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
        if (isinstance(value, int) and not isinstance(value, bool)) or is_whole:
            text = str(int(value))
            redacted = self(text, counts)
            return redacted if redacted != text else value
        return value


def pseudonym(identifier: str) -> str:
    """Return the stable stand-in of an identifier that must not be stored."""
    return f"[id {hashlib.blake2b(identifier.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}]"


def get_redactor(wanted: Sequence[str] | str) -> Redactor | None:
    """Return the redactor for some of `REDACTIONS`, or for the dotted path of a function `str -> str`; none for none.

    Raises: ConfigurationError where a kind is unknown or the path names no function.
    """
    if isinstance(wanted, str):
        return Redactor((CUSTOM,), wanted, _function(wanted))
    unknown = sorted(set(wanted) - set(REDACTIONS))
    if unknown:
        raise ConfigurationError(f"privacy.redact: {unknown[0]!r} is not known; choose of {', '.join(REDACTIONS)}")
    kinds = tuple(kind for kind in REDACTIONS if kind in wanted)
    return Redactor(kinds, f"{','.join(kinds)} {_VERSION}") if kinds else None


def _function(path: str) -> Callable[[str], Any]:
    module_name, _, name = path.replace(":", ".").rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"privacy.redact: {path!r} cannot be imported ({' '.join(str(error).split())}); expected MODULE:FUNCTION of"
            " an installed package or of a folder in PYTHONPATH"
        ) from None
    if not callable(function):
        raise ConfigurationError(f"privacy.redact: {path!r} is no function")
    return function  # type: ignore[no-any-return]


def _keys(text: str, counts: Counter[str]) -> str:
    folded = text.casefold()
    if "://" in text and "@" in text:
        text, found = _CREDENTIALS_IN_URL.subn(r"\g<scheme>[key]@", text)
        counts["key"] += found
    if any(sign in folded for sign in _SECRET_SIGNS) and (":" in text or "=" in text):
        text = _named_secrets(text, counts)
    if not any(sign in text for sign in _KEY_SIGNS) and "bearer" not in folded and "basic" not in folded:
        return text

    def replace(match: re.Match[str]) -> str:
        counts["key"] += 1
        bearer = match["bearer"]
        return f"{match[0][: -len(bearer)]}[key]" if bearer else "[key]"

    return _KEY.sub(replace, text)


def _named_secrets(text: str, counts: Counter[str]) -> str:
    """Take out what is called a password or a key: `password: hunter2`, `api_key="…"`."""

    def replace(match: re.Match[str]) -> str:
        secret = match["secret"]
        if not _is_secret(match, text[match.end() : match.end() + 1]):
            return match[0]
        counts["key"] += 1
        kept = len(secret.rstrip(".!?)")) or len(secret)
        start = match.start("secret") - match.start()
        return f"{match[0][:start]}[key]{match[0][start + kept :]}"

    return _NAMED_SECRET.sub(replace, text)


def _is_secret(match: re.Match[str], following: str) -> bool:
    """Say whether a word behind `password:` is one: in prose, "password: how do I", the next word is none."""
    secret = match["secret"]
    if secret[0] in "([{$%" or _NO_SECRETS.fullmatch(secret) or _IN_CODE.match(secret):
        return False
    if match["sign"] == "=" or match["quote"] or not match["gap"]:
        return True
    ends = following in ("", "\n", "\r")
    return ends or any(not symbol.isalpha() for symbol in secret.rstrip(".,!?:"))


def _emails(text: str, counts: Counter[str]) -> str:
    if "@" not in text:
        return text
    redacted, found = _EMAIL.subn("[email]", text)
    counts["email"] += found
    return redacted


def _ibans(text: str, counts: Counter[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        end = _iban_end(match[0])
        if not end:
            return match[0]
        counts["iban"] += 1
        return "[iban]" + match[0][end:]

    return _IBAN.sub(replace, text)


def _iban_end(candidate: str) -> int:
    """Return where an IBAN at the start of `candidate` ends, 0 where there is none (ISO 13616: remainder 1 of 97)."""
    wanted = _IBAN_LENGTHS.get(candidate[:2], 0)
    symbols = [(symbol, position + 1) for position, symbol in enumerate(candidate) if symbol != " "][:wanted]
    if not wanted or len(symbols) < wanted:
        return 0
    end = symbols[-1][1]
    if candidate[end : end + 1].isalnum():
        return 0
    account = "".join(symbol for symbol, _ in symbols)
    return end if int("".join(str(int(symbol, 36)) for symbol in account[4:] + account[:4])) % 97 == 1 else 0


def _cards(text: str, counts: Counter[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        digits = [int(symbol) for symbol in match[0] if symbol.isdigit()]
        if not _SHORTEST_CARD <= len(digits) <= _LONGEST_CARD or not _luhn(digits):
            return match[0]
        counts["card"] += 1
        return "[card]"

    return _CARD.sub(replace, text)


def _luhn(digits: Sequence[int]) -> bool:
    """ISO/IEC 7812-1, annex B."""
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _addresses(text: str, counts: Counter[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        try:
            ipaddress.ip_address(match[0])
        except ValueError:
            return match[0]
        # `a::b` is C++ sooner than an address.
        if ":" in match[0] and (len(match[0]) < 7 or not any(symbol.isdigit() for symbol in match[0])):
            return match[0]
        counts["ip"] += 1
        return "[ip]"

    return _IPV6.sub(replace, _IPV4.sub(replace, text))


def _phones(text: str, counts: Counter[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        counts["phone"] += 1
        called = match["called"]
        return f"{match[0][: -len(called)]}[phone]" if called else "[phone]"

    return _PHONE.sub(replace, text)


_FINDERS: Mapping[str, Callable[[str, Counter[str]], str]] = {
    "key": _keys,
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "ip": _addresses,
    "phone": _phones,
}
