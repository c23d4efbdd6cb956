"""Where does a model fail? Without scores, from reference answers: how near does each response come?"""

from faultmap_core import SliceAnalyzer

capitals = {
    "France": "Paris", "Italy": "Rome", "Norway": "Oslo", "Egypt": "Cairo", "Peru": "Lima", "Japan": "Tokyo",
    "India": "Delhi", "Ecuador": "Quito", "Ghana": "Accra", "Chile": "Santiago", "Cuba": "Havana", "Spain": "Madrid",
}  # fmt: skip
colours = {"snow": "white", "grass": "green", "coal": "black", "blood": "red", "gold": "yellow", "chocolate": "brown"}

prompts = [f"What is the capital of {country}?" for country in capitals]
prompts += [f"Name the capital city of {country}, please." for country in capitals]
prompts += [f"What colour is {thing}, usually?" for thing in colours]
prompts += [f"Tell me the colour of {thing} in nature." for thing in colours]
references = [*capitals.values(), *capitals.values(), *colours.values(), *colours.values()]
# It knows its capitals; asked for colours it talks about something else.
responses = [f"It is {city}." for city in references[:24]] + ["I would rather talk about football."] * 12

report = SliceAnalyzer(min_slice_size=6).analyze(prompts, responses, references=references)
print(report)
