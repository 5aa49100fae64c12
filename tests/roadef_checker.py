"""Is a plan of ROADEF 2007 allowed, and what does it cost? The challenge's rules, written from its definition.

It imports nothing of the product. An instance is what the three files say (`read`); a plan is `{"teams": {day:
[[technician, ...], ...]}, "visits": {intervention: (day, start, team)}}`, days from 1; who is in no team stays at home,
what is in no visit is given to others (outsourced).
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict

DAY = 120
WEIGHTS = {1: 28, 2: 14, 3: 4}


def read(folder):
    """Read one instance: `interventions` and `technicians` by number, `budget`."""
    _, domains, levels, _, _, budget = (folder / "instance").read_text(encoding="ascii").splitlines()[1].split()
    interventions, technicians = {}, {}
    for number, rest, listed in _lines(folder / "interv_list"):
        priority, cost, *needs = rest[1]
        columns = itertools.product(range(int(domains)), range(int(levels)))
        interventions[number] = {
            "time": rest[0][0],
            "before": listed,
            "priority": priority,
            "cost": cost,
            "needs": {column: need for column, need in zip(columns, needs, strict=True) if need},
        }
    for number, rest, listed in _lines(folder / "tech_list"):
        technicians[number] = {"levels": rest[0], "off": set(listed)}
    return {"interventions": interventions, "technicians": technicians, "budget": int(budget)}


def _lines(file):
    """Number, the numbers before and behind the bracket, and those in it."""
    for line in file.read_text(encoding="ascii").splitlines()[1:]:
        if line.strip():
            front, tail = line.split("[")
            listed, behind = tail.split("]")
            number, *others = map(int, front.split())
            yield number, (others, [int(word) for word in behind.split()]), [int(word) for word in listed.split()]


def objections(instance, plan) -> list[str]:
    """Return everything that is wrong with a plan, in words; nothing: the plan is allowed."""
    return [
        *_teams(instance, plan),
        *_visits(instance, plan),
        *_one_at_a_time(instance, plan),
        *_order(instance, plan),
        *_outsourced(instance, plan),
    ]


def cost(instance, plan) -> int:
    """28, 14 and 4 times the last end of the priorities 1, 2 and 3, and the last end of all."""
    last = Counter()
    for number, (day, start, _) in plan["visits"].items():
        asked = instance["interventions"][number]
        end = (day - 1) * DAY + start + asked["time"]
        for priority in (asked["priority"], "all"):
            last[priority] = max(last[priority], end)
    return sum(weight * last[priority] for priority, weight in WEIGHTS.items()) + last["all"]


def _teams(instance, plan):
    for day, teams in plan["teams"].items():
        for technician, times in Counter(who for team in teams for who in team).items():
            if technician not in instance["technicians"]:
                yield f"there is no technician ({technician})"
                continue
            if times > 1:
                yield f"technician ({technician}) is in ({times}) teams on day ({day})"
            if day in instance["technicians"][technician]["off"]:
                yield f"technician ({technician}) is off on day ({day})"


def _visits(instance, plan):
    for number, (day, start, team) in plan["visits"].items():
        if number not in instance["interventions"]:
            yield f"there is no intervention ({number})"
            continue
        asked, teams = instance["interventions"][number], plan["teams"].get(day, [])
        if day < 1 or start < 0 or start + asked["time"] > DAY:
            yield f"intervention ({number}) does not lie within a day"
        if not 0 <= team < len(teams):
            yield f"intervention ({number}) has no team"
            continue
        crew = [instance["technicians"][who]["levels"] for who in teams[team] if who in instance["technicians"]]
        for (domain, level), need in asked["needs"].items():
            if sum(levels[domain] > level for levels in crew) < need:
                yield f"the team of intervention ({number}) lacks level ({level + 1}) of domain ({domain + 1})"


def _one_at_a_time(instance, plan):
    busy = defaultdict(list)
    for number, (day, start, team) in plan["visits"].items():
        if number in instance["interventions"]:
            busy[day, team].append((start, start + instance["interventions"][number]["time"], number))
    for own in busy.values():
        for (_, end, one), (begin, _, other) in itertools.pairwise(sorted(own)):
            if begin < end:
                yield f"interventions ({one}) and ({other}) of one team overlap"


def _order(instance, plan):
    for number, (day, start, _) in plan["visits"].items():
        for other in instance["interventions"].get(number, {"before": []})["before"]:
            if other in plan["visits"]:
                before_day, before_start, _ = plan["visits"][other]
                end = before_day * DAY + before_start + instance["interventions"][other]["time"]
                if end > day * DAY + start:
                    yield f"intervention ({other}) is not over when ({number}) begins"


def _outsourced(instance, plan):
    left = [number for number in instance["interventions"] if number not in plan["visits"]]
    spent = sum(instance["interventions"][number]["cost"] for number in left)
    if spent > instance["budget"]:
        yield f"({spent}) is spent on outsourcing, ({instance['budget']}) may be"
    for number in plan["visits"]:
        for other in instance["interventions"].get(number, {"before": []})["before"]:
            if other in left:
                yield f"intervention ({other}) is outsourced, but ({number}), which follows it, is not"
