"""Where does a model fail? With scores from your own evaluation."""

from faultmap_core import SliceAnalyzer

words = ["apple", "river", "stone", "cloud", "tiger", "paper", "green", "house", "music", "bread", "light", "ocean"]
numbers = range(11, 23)

prompts = [f"What is {a} times {b}?" for a in numbers for b in numbers]
prompts += [f"Write one sentence with the words {a} and {b}." for a in words for b in words]
responses = ["..."] * len(prompts)
# The model multiplies badly: two of three products are wrong, and one of twelve sentences.
scores = [float(i % 3 == 0) for i in range(144)] + [float(i % 12 != 0) for i in range(144)]

report = SliceAnalyzer().analyze(prompts, responses, scores=scores)
print(report)
