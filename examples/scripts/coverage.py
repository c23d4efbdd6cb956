"""What do the tests never ask? Production asks for flights; no test does."""

from faultmap_core import SliceAnalyzer

foods = ["rice", "beans", "soup", "bread", "fish", "cake", "salad", "curry", "eggs", "pasta"]
cities = ["Paris", "Rome", "Oslo", "Cairo", "Lima", "Tokyo", "Delhi", "Quito", "Bern", "Accra"]

test_prompts = [f"How do I cook {a} with {b}?" for a in foods for b in foods if a != b]
production_prompts = [f"Could I cook {a} and {b} together?" for a in foods for b in foods if a != b]
production_prompts += [f"Book a flight from {a} to {b}." for a in cities for b in cities if a != b]

report = SliceAnalyzer().audit_coverage(test_prompts, production_prompts)
print(report)
