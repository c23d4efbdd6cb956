"""How the example was made: prompts and checks of our own, answers of a small model; see `__main__.py`."""
