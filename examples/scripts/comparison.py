"""Which of two models is better, and where does that change?"""

from faultmap_core import SliceAnalyzer

words = ["apple", "river", "stone", "cloud", "tiger", "paper", "green", "house", "music", "bread", "light", "ocean"]
numbers = range(11, 23)

prompts = [f"What is {a} times {b}?" for a in numbers for b in numbers]
prompts += [f"Write one sentence with the words {a} and {b}." for a in words for b in words]
responses = ["..."] * len(prompts)
# The small model multiplies better, the large one writes better.
small = [float(i % 8 != 0) for i in range(144)] + [float(i % 3 == 0) for i in range(144)]
large = [float(i % 5 == 0) for i in range(144)] + [float(i % 10 != 0) for i in range(144)]

report = SliceAnalyzer().compare_models(
    prompts, responses, responses, scores_a=small, scores_b=large, model_a_name="small", model_b_name="large"
)
print(report)
