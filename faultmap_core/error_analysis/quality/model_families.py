"""The family of a model, from its name: models of one family share training, and so their mistakes.

Two settings of one model, two sizes or two versions of one series are no independent witnesses. The name is read, and
nothing else; where it misleads, families can be given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_PIECES = re.compile(r"[a-z]+|\d+(?:\.\d+)*")
# What says how a model was asked, tuned, sized, packed or dated, and not which one it is.
_SETTING_WORDS = """
few zero one two three five shot shots cot direct reasoning thinking think prompt prompted prompting variant setting
settings temp temperature t greedy sample sampled sampling seed run epoch trial attempt step steps maj pass best of
with without and no high medium low effort system template default instruct instruction it chat base sft dpo rlhf rl
lora qlora finetuned finetune finetuning ft tuned tuning aligned verification verifier distill distilled quantized
quant awq gptq gguf ggml int fp bf hf mlx vllm tiny nano mini small large xl xxl ultra pro plus max lite flash turbo
haiku sonnet opus preview latest exp experimental beta alpha rc version bn moe context ctx long vision text code
coder online fast openai anthropic google meta mistralai microsoft deepmind huggingface together togethercomputer
azure bedrock vertex vertexai openrouter ollama replicate groq fireworks accounts models api us eu community
nousresearch ai
"""
_SETTINGS = frozenset(_SETTING_WORDS.split())
# Names under which one house sells one line of models.
_SAME: Mapping[str, str] = {
    **dict.fromkeys(("mixtral", "ministral", "codestral", "mathstral", "magistral", "pixtral", "devstral"), "mistral"),
    **dict.fromkeys(("chatgpt", "davinci", "codex", "o"), "gpt"),
    **dict.fromkeys(("codellama", "vicuna", "alpaca"), "llama"),
    **dict.fromkeys(("codegemma", "paligemma"), "gemma"),
    **dict.fromkeys(("qwq", "qvq"), "qwen"),
}


def model_family(name: str) -> str:
    """Return the family that a name speaks of, such as "llama" of "meta-llama/Llama-3.1-70B-Instruct".

    What stands before the last "/" or ":" (the provider) is left out unless nothing remains; so are numbers and words
    that name a setting, a size or a version. A name of nothing else ("6b_finetuning") has the family "", which all
    such names share. A placeholder ("A", "m1", "model-2") says nothing of what it is and is a family of its own.
    """
    plain = name.strip().casefold()
    if not re.match(r"o\d", plain) and re.fullmatch(
        r"(?:models?|systems?|candidates?|llms?|bots?|agents?|[a-z])?[\s_.-]*(?:[a-z]|\d+)", plain
    ):
        return plain
    parts = re.split(r"[/:]", plain)
    for text in (parts[-1], *reversed(parts[:-1])):
        for word in _PIECES.findall(text):
            if len(word) > 1 and word[0].isalpha() and word not in _SETTINGS:
                return _SAME.get(str(word), str(word))
        if re.match(r"o\d", text):
            return _SAME["o"]
    return ""


def families_of(models: Sequence[str], named: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return each model's family; `named`: model -> family, which overrules what the name says."""
    given = named or {}
    return tuple(given.get(model) or model_family(model) for model in models)
