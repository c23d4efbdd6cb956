"""Resolve ErrorMap's `litellm_config`, `provider` and `judge` to a language model, and keep its secrets apart."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any

from faultmap_core.base.errors import ConfigurationError
from faultmap_core.llm import CallStore, LanguageModel
from faultmap_core.llm.provider import import_litellm

REPLACED = "(not stored)"
MAX_TOKENS = 4096
REASONING_TOKENS = 10_000

_AZURE_JUDGE = "Azure/gpt-4.1"
_RITS_JUDGE = "openai/gpt-oss-120b"
_RITS_HOST = "https://inference-3scale-apicast-production.apps.rits.fmaas.res.ibm.com"
# Endpoints are named after the model; this one is not.
_RITS_ENDPOINTS = {"deepseek-ai/DeepSeek-V3": "deepseek-v3-h200"}

# Ours to set: with another value the replies could not be read.
_FIXED = frozenset(
    {"messages", "response_format", "stream", "stream_options", "n", "tools", "tool_choice", "functions"}
)
_OPTIONS = {"temperature": "temperature", "max_tokens": "max_tokens", "max_completion_tokens": "max_tokens"}
_OPTIONS |= {"timeout": "timeout_seconds", "request_timeout": "timeout_seconds", "seed": "seed"}
_REASONING = frozenset({"reasoning_effort", "thinking"})
_RETRIES = ("num_retries", "max_retries")
# What people write most; whatever else litellm knows is asked of litellm, whose import takes seconds.
_COMMON = frozenset(
    {
        "model", "api_key", "api_base", "base_url", "api_version", "api_type", "organization", "deployment_id",
        "custom_llm_provider", "extra_headers", "headers", "extra_body", "drop_params", "additional_drop_params",
        "allowed_openai_params", "top_p", "top_k", "min_p", "stop", "presence_penalty", "frequency_penalty",
        "repetition_penalty", "logit_bias", "logprobs", "top_logprobs", "user", "reasoning_effort", "verbosity",
        "thinking", "service_tier", "safety_identifier", "metadata", "input_cost_per_token", "output_cost_per_token",
        "azure_ad_token", "tenant_id", "client_id", "client_secret", "region_name", "aws_access_key_id",
        "aws_secret_access_key", "aws_session_token", "aws_region_name", "aws_profile_name", "aws_role_name",
        "vertex_project", "vertex_location", "vertex_credentials", "watsonx_region_name", "project_id", "space_id",
        "caching", "cache", "fallbacks", "ssl_verify", *_OPTIONS, *_RETRIES,
    }
)  # fmt: skip
_SECRET_NAME = re.compile(
    r"(^|[_-])(api_?-?key|key|secret|passw(or)?d|pwd|token|credentials?|authorization|bearer)$"
    r"|access_?key|secret|password|credential|private_?key",
    re.IGNORECASE,
)
_HEADERS = frozenset({"headers", "extra_headers", "default_headers", "provider_specific_header"})
_PLAIN_HEADERS = frozenset({"content-type", "accept", "user-agent"})
_URL_SECRETS = re.compile(r"(?<=://)[^/@\s]+@|\?.*$")
_LEAST_SECRET = 6
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class ModelChoice:
    """A language model and how it is reached.

    Attributes:
        model: litellm's name, "azure/Azure/gpt-4.1". parameters: sent with every call; may hold secrets.
        options: of `LanguageModel` (temperature, max_tokens, timeout_seconds, seed, max_attempts).
        key_given: the key stands in `parameters`.
    """

    model: str
    parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)
    api_key_variable: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key_given(self) -> bool:
        """Whether a key was given with the configuration itself."""
        return bool(self.parameters.get("api_key"))


def choose_model(litellm_config: Mapping[str, Any] | None, provider: str | None, judge: str | None) -> ModelChoice:
    """Return the model that judges.

    Args:
        litellm_config: litellm's own arguments, "model" among them; goes before the other two, but `judge` stands in
            for a missing "model". Values None count as absent; an api_key "os.environ/NAME" is read from NAME.
        provider: "azure" (AZURE_API_KEY, AZURE_API_BASE), "rits" (RITS_API_KEY), or the first part of a litellm model
            name. judge: model at this provider, or without one litellm's full name.
    Raises: ConfigurationError where no model is named, or a variable that the provider needs is not set.
    """
    if litellm_config:
        return _from_config(litellm_config, judge)
    if provider == "azure" or (judge or "").startswith("azure/"):
        return _azure(judge or _AZURE_JUDGE)
    if provider == "rits":
        return _rits(judge or _RITS_JUDGE)
    if not judge:
        at = f" at {provider}" if provider else ""
        raise ConfigurationError(
            f"no judge model{at} is named; give judge=MODEL (any litellm name, for example openai/gpt-4o-mini), a"
            " litellm_config with a model, provider='azure' or 'rits', or leave inference_type at litellm-mock"
        )
    return ModelChoice(judge if not provider or judge.startswith(f"{provider}/") else f"{provider}/{judge}")


def open_model(choice: ModelChoice, store: CallStore, max_workers: int, seed: int) -> LanguageModel:
    """Return the client of a chosen model. Raises ConfigurationError where its credentials are not there."""
    options = {"max_tokens": MAX_TOKENS, "seed": seed, **choice.options}
    model = LanguageModel(
        choice.model,
        store=store,
        parameters={**choice.parameters, **_room(choice)},
        api_key_variable=choice.api_key_variable,
        max_concurrent=max_workers,
        **options,
    )
    if not choice.key_given and (missing := model.available()):
        raise ConfigurationError(missing)
    return model


def _room(choice: ModelChoice) -> dict[str, int]:
    """Return a limit of tokens for all questions, where the model reasons before it replies or a large one was given.

    Each question bounds its own reply, and what stands in a model's parameters goes before that.
    """
    given = int(choice.options.get("max_tokens", 0))
    reasons = bool(_REASONING & set(choice.parameters)) or import_litellm().supports_reasoning(choice.model)
    most = max(given, REASONING_TOKENS) if reasons else given
    return {"max_tokens": most} if most > MAX_TOKENS else {}


def config_warnings(litellm_config: Mapping[str, Any] | None) -> list[str]:
    """Return one line for every key of the configuration that has no effect or that litellm does not know."""
    return [line for key in litellm_config or {} if (line := _complaint(key))]


def secrets_of(litellm_config: Mapping[str, Any] | None) -> frozenset[str]:
    """Return every text of the configuration, and of the variables it stands for, that must reach no file.

    Each also as it stands inside of a JSON string.
    """
    found = {value for value in _secret_values(litellm_config or {}) if not value.startswith("os.environ/")}
    found |= {os.environ.get(name, "") for name in ("AZURE_API_KEY", "RITS_API_KEY")}
    variable = _key_variable((litellm_config or {}).get("api_key"))
    found.add(os.environ.get(variable or "", ""))
    found |= {json.dumps(value, ensure_ascii=False)[1:-1] for value in found}
    return frozenset(value for value in found if len(value) >= _LEAST_SECRET)


def without_secrets(value: Any, name: str = "") -> Any:
    """Return a setting as it may be stored: secrets, headers and unknown keys replaced, addresses without logins."""
    if name and (_SECRET_NAME.search(name) or name in _HEADERS) and value is not None:
        return dict.fromkeys(map(str, value), REPLACED) if isinstance(value, Mapping) else REPLACED
    if isinstance(value, Mapping):
        return {str(key): without_secrets(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [without_secrets(item) for item in value]
    if isinstance(value, str):
        return _URL_SECRETS.sub("", value) if "://" in value else value
    return value if value is None or isinstance(value, bool | int | float) else str(type(value).__name__)


def scrubbed(text: str, secrets: frozenset[str]) -> str:
    """Return `text` without any of the secrets."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, REPLACED)
    return text


def stored_config(litellm_config: Mapping[str, Any] | None) -> Any:
    """Return the configuration as it may be stored: a misspelt key may hold a secret, so it keeps its name alone."""
    if litellm_config is None:
        return None
    return {
        str(key): REPLACED if _complaint(key) and key not in _FIXED else without_secrets(value, str(key))
        for key, value in litellm_config.items()
    }


def _from_config(config: Mapping[str, Any], judge: str | None) -> ModelChoice:
    model = config.get("model") or judge
    if not isinstance(model, str) or not model:
        raise ConfigurationError("litellm_config has no 'model'; name one, for example 'openai/gpt-4o-mini'")
    given = {key: value for key, value in config.items() if value is not None and _is_sent(key)}
    options = {_OPTIONS[key]: _number(key, given.pop(key)) for key in list(given) if key in _OPTIONS}
    retries = [_number(key, given.pop(key)) for key in _RETRIES if key in given]
    if retries:
        options["max_attempts"] = int(retries[0]) + 1
    variable = _key_variable(given.get("api_key"))
    if variable:
        del given["api_key"]
    parameters = {key: value for key, value in given.items() if key != "model" and value != ""}
    if model.startswith("azure/") and not {"api_key", "azure_ad_token", "client_secret"} & set(parameters):
        azure = _azure(model, parameters, variable or "AZURE_API_KEY")
        return ModelChoice(model, azure.parameters, azure.api_key_variable, options)
    return ModelChoice(model, parameters, variable, options)


def _azure(judge: str, parameters: Mapping[str, Any] = _NOTHING, variable: str = "AZURE_API_KEY") -> ModelChoice:
    """Azure's key and address from the environment; litellm has a default for the version, which its check lacks."""
    _environment(variable, "azure")
    found = dict(parameters)
    if not {"api_base", "base_url"} & set(found):
        found["api_base"] = _environment("AZURE_API_BASE", "azure")
    if version := os.environ.get("AZURE_API_VERSION"):
        found.setdefault("api_version", version)
    return ModelChoice(judge if judge.startswith("azure/") else f"azure/{judge}", found, variable)


def _rits(judge: str) -> ModelChoice:
    key = _environment("RITS_API_KEY", "rits")
    endpoint = _RITS_ENDPOINTS.get(judge) or judge.rpartition("/")[2].lower().replace(".", "-")
    base = os.environ.get("RITS_API_BASE") or f"{_RITS_HOST}/{endpoint}/v1"
    parameters = {"api_base": base, "extra_headers": {"RITS_API_KEY": key}}
    return ModelChoice(f"openai/{judge}", parameters, "RITS_API_KEY", {"max_tokens": REASONING_TOKENS})


def _environment(name: str, provider: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"{name} is not set; provider {provider!r} needs it in the environment")
    return value


def _number(key: str, value: Any) -> float:
    whole = key not in ("temperature", "timeout", "request_timeout")
    fits = isinstance(value, int) if whole else isinstance(value, int | float) and math.isfinite(value)
    if not fits or isinstance(value, bool) or value < 0:
        expected = "a whole number from 0" if whole else "a number from 0"
        raise ConfigurationError(f"litellm_config: {key} is {value!r}; expected {expected}")
    return float(value) if not whole else int(value)


def _key_variable(api_key: Any) -> str | None:
    return api_key.removeprefix("os.environ/") if isinstance(api_key, str) and api_key[:11] == "os.environ/" else None


def _complaint(key: str) -> str | None:
    if key in _FIXED:
        return f"litellm_config: {key!r} is not sent, the judge sets it itself"
    if key in _COMMON or key in _litellm_names():
        return None
    near = _nearest(key)
    if near:
        return f"litellm_config: {key!r} is unknown and is not sent; did you mean {near!r}?"
    return f"litellm_config: {key!r} is unknown to litellm; it is sent as it is"


def _is_sent(key: str) -> bool:
    return key not in _FIXED and (key in _COMMON or key in _litellm_names() or _nearest(key) is None)


def _nearest(key: str) -> str | None:
    return next(iter(get_close_matches(key, sorted(_COMMON), n=1, cutoff=0.8)), None)


@cache
def _litellm_names() -> frozenset[str]:
    import inspect

    signature = inspect.signature(import_litellm().completion).parameters
    from litellm.constants import DEFAULT_CHAT_COMPLETION_PARAM_VALUES
    from litellm.types.utils import all_litellm_params

    return frozenset({*signature, *all_litellm_params, *DEFAULT_CHAT_COMPLETION_PARAM_VALUES})


def _secret_values(value: Any, secret: bool = False) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            name = str(key)
            hidden = secret or bool(_SECRET_NAME.search(name)) or name in _HEADERS
            yield from _secret_values(item, hidden and name.lower() not in _PLAIN_HEADERS)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secret_values(item, secret)
    elif isinstance(value, str) and secret:
        yield value
    elif isinstance(value, str) and "://" in value:
        yield from (part.strip("@?") for part in _URL_SECRETS.findall(value))
