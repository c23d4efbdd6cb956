"""Topics that users bring and the evals never ask: cooking, plants at home and, from the fourth day on, packing."""

from collections.abc import Iterator
from random import Random

from examples.make_example.prompts import in_turn

COOKING = {
    "dish": "lasagna,pancakes,tomato soup,risotto,chicken curry,apple pie,lentil stew,scrambled eggs,"
    "pizza dough,mashed potatoes,"
    "vegetable stir fry,chocolate cake,potato salad,meatballs,omelette,banana bread",
    "thing": "rice,potatoes,salmon,chicken breast,eggs,lentils,spaghetti,broccoli,mushrooms,carrots,chickpeas,"
    "beef,pork chops,zucchini",
    "baked": "pancakes,apple pie,pizza dough,chocolate cake,banana bread,waffles,muffins,scones",
    "aid": "butter,eggs,buttermilk,yeast,flour,sugar,baking powder,milk,vanilla,salt",
    "fault": "too salty,too spicy,too thin,burnt at the bottom,bland,lumpy,dry,sour",
}
COOKING_TEMPLATES = """How do I make {dish}?|How long do I have to cook {thing}?
What can I use instead of {aid} in {baked}?
My {dish} turned out {fault}. How can I save it?|What can I cook tonight with {thing} and {thing2}?
Can I freeze {dish}?
Which spices go well with {thing}?|At what temperature should I roast {thing} in the oven?
How many servings does a kilo of {thing} give?
Give me a simple recipe for {dish}.|How do I keep {thing} from sticking to the pan?|What side dish fits {dish}?
How long does {dish} keep in the fridge?|Is it safe to eat {thing} from yesterday?|Do I need {aid} for {baked}?
I have {thing} left over, any dinner ideas?|Should I peel or wash {thing} before cooking?
How do I reheat {dish} without drying it out?"""

GARDENING = {
    "plant": "orchid,monstera,basil,cactus,ficus,fern,peace lily,aloe vera,lemon tree,snake plant,rosemary,"
    "rubber plant,begonia,mint",
    "crop": "tomatoes,strawberries,roses,lavender,tulips,lettuce,hydrangeas,peppers,sunflowers,radishes,"
    "blueberries,dahlias",
    "pest": "aphids,slugs,spider mites,fungus gnats,whiteflies,snails,mealybugs",
    "place": "on a balcony,in a pot,in clay soil,in the shade,indoors,in a raised bed",
}
GARDENING_TEMPLATES = """How often should I water my {plant}?
The leaves of my {plant} are turning yellow. What is wrong?|When should I sow {crop}?
How do I get rid of {pest} on my {crop}?|Can I grow {crop} {place}?|Which soil does my {plant} need?
When do I repot my {plant}?
How do I prune {crop}?|How much sun does my {plant} need?|What fertilizer is good for {crop}?
There are {pest} in the soil of my {plant}, help!
How do I take a cutting from my {plant}?|Do {crop} survive the frost?|Why does my {plant} drop its leaves?
What can I plant next to {crop}?
My {crop} do not flower. Why?|How deep do I plant {crop} {place}?"""

PACKING = {
    "trip": "a week at the beach,a ski weekend,a camping trip,three days in London,a business trip,"
    "a hiking tour,two weeks in Thailand,"
    "a road trip,a winter trip to Norway,a city break in Rome,a cruise,a festival weekend",
    "item": "shampoo,a power bank,scissors,a suit,hiking boots,a hair dryer,sunscreen,a laptop,medicine,"
    "a camera,a sleeping bag,a towel",
    "clothes": "shirts,jumpers,dresses,trousers,jackets,socks,suits",
    "bag": "a cabin bag,a small backpack,one suitcase,a duffel bag,a carry-on",
}
PACKING_TEMPLATES = """What should I pack for {trip}?|Can I take {item} in my hand luggage?
How do I fold {clothes} so that they do not crease in {bag}?
Make me a packing list for {trip}.|How many {clothes} do I need for {trip}?|Will everything for {trip} fit into {bag}?
Where in my suitcase should I put {item}?|What do people forget to pack for {trip}?
Do I need to bring {item} on {trip}?
How heavy may {bag} be on a flight?|How do I pack {item} safely in {bag}?|Which shoes should I take on {trip}?
What can I leave at home for {trip} to travel light?|Is it better to roll or fold {clothes} in {bag}?"""

TOPICS = {
    "cooking": (COOKING, COOKING_TEMPLATES),
    "gardening": (GARDENING, GARDENING_TEMPLATES),
    "packing": (PACKING, PACKING_TEMPLATES),
}
NEW_TOPIC, NEW_TOPIC_FROM_DAY = "packing", 4


def topic_prompts(topic: str) -> Iterator[str]:
    """Distinct questions on a topic, for as long as its templates and words last."""
    rng = Random(f"everyday topics/{topic}")
    words, templates = TOPICS[topic]
    choices = {slot: filling.split(",") for slot, filling in words.items()}
    asked: set[str] = set()
    for template in in_turn(rng, templates):
        fills = {slot: rng.choice(fillings) for slot, fillings in choices.items()}
        if topic == "cooking":
            fills["thing2"] = rng.choice([thing for thing in choices["thing"] if thing != fills["thing"]])
        text = template.format(**fills)
        if text not in asked:
            asked.add(text)
            yield text
