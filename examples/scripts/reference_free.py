"""Where does a model fail? Without scores and references: where does it contradict itself?

The model under test is asked again, four times per prompt: set OPENAI_API_KEY, or FAULTMAP_MODEL to any other model
that litellm knows, such as ollama/llama3.2.
"""

import os
import sys

from faultmap_core import SliceAnalyzer
from faultmap_core.base.errors import ConfigurationError

capitals = {
    "France": "Paris", "Italy": "Rome", "Norway": "Oslo", "Egypt": "Cairo", "Peru": "Lima", "Japan": "Tokyo",
    "India": "Delhi", "Ecuador": "Quito", "Ghana": "Accra", "Chile": "Santiago", "Cuba": "Havana", "Spain": "Madrid",
}  # fmt: skip
villages = ["Aach", "Bovec", "Calvi", "Delft", "Elva", "Fiskars", "Gap", "Hull", "Imst", "Jura", "Kuressaare", "Loon"]

prompts = [f"What is the capital of {country}? Answer with its name alone." for country in capitals]
prompts += [f"Name the capital city of {country}. Give the name only." for country in capitals]
prompts += [f"Who was the first teacher at the village school of {village}? Only the name." for village in villages]
prompts += [f"Name the first teacher of the school in the village {village}." for village in villages]
# What it once answered: its capitals are right, and it made up the teachers.
responses = [*capitals.values(), *capitals.values()] + ["Johann Keller"] * 24

analyzer = SliceAnalyzer(model=os.environ.get("FAULTMAP_MODEL", "gpt-4o-mini"), n_samples=4)
try:
    print(analyzer.analyze(prompts, responses))
except ConfigurationError as error:
    sys.exit(f"This example asks a language model: {error}")
