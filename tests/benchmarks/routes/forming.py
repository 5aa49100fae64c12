"""Teams for a day, and their work, from an order of interventions: what ROADEF 2007 asks beyond what paidan expresses.

The kernel that `roadef` calls. An intervention goes to the smallest team that can do it and has the time; where there
is none, to the team that lacks the fewest people, or to a new one of the fewest free technicians.
"""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np

DAY = 120
DAYS_MAX = 512
WEIGHTS = (0, 28, 14, 4, 0)
IMPOSSIBLE = 1 << 40
#: What the mean ends count beside the last ends, in the search.
GUIDED = 0.5
#: What the rest of the day of somebody who joins a team is worth, beside their work: the search chooses.
THRIFTS = (0.3, 0.0, 0.05, 0.1, 0.2, 0.5, 1.0)

compiled = numba.njit(nogil=True, cache=True)


@compiled
def covers(skills: Any, needs: Any) -> bool:
    """Say whether a team has enough people for each need."""
    return not np.any(skills < needs)


@compiled
def spare(left: Any, free: Any, levels: Any, chosen: Any, count: int) -> int:
    """Leave out whoever is not needed after all, free everybody; return how many remain chosen."""
    kept = 0
    for n in range(count):
        p = chosen[n]
        free[p] = True
        if np.all(left + levels[p] <= 0):
            left += levels[p]
        else:
            chosen[kept] = p
            kept += 1
    return kept


@compiled
def most_filling(left: Any, free: Any, levels: Any, worth: Any) -> int:
    """Return the free technician who fills the most of what is lacking, of equals the least able; -1: nobody does."""
    best, best_score = -1, 0.0
    for p in range(levels.shape[0]):
        if free[p]:
            fills = 0
            for k in range(len(left)):
                if left[k] > 0 and levels[p, k]:
                    fills += 1
            score = fills * 1000.0 - worth[p]
            if fills and (best < 0 or score > best_score):
                best, best_score = p, score
    return best


@compiled
def recruit(lack: Any, free: Any, levels: Any, worth: Any, chosen: Any) -> int:
    """Choose free technicians who fill what is lacking; return how many, -1 where they do not suffice.

    Those who fill the most come first, of equals the least able; who turns out not to be needed stays free.
    """
    count, left = 0, lack.copy()
    while np.any(left > 0):
        p = most_filling(left, free, levels, worth)
        if p < 0:
            for n in range(count):
                free[chosen[n]] = True
            return -1
        free[p] = False
        chosen[count] = p
        count += 1
        left -= levels[p]
    return spare(left, free, levels, chosen, count)


@compiled
def ready_at(case: Any, plan: Any, i: int, day: int) -> int:
    """Return when on this day all that comes before is over, more than a day where something is not laid yet."""
    times, before_at, before = case[0], case[3], case[4]
    ready = 0
    for b in range(before_at[i], before_at[i + 1]):
        j = before[b]
        if plan[j, 0] < 0:
            return 2 * DAY
        ready = max(ready, (plan[j, 0] - day) * DAY + plan[j, 1] + times[j])
    return ready


@compiled
def staff(case: Any, i: int, ready: int, thrift: float, crews: int, today: Any, chosen: Any) -> tuple[int, int]:
    """Return the cheapest team for an intervention, and how many of `chosen` join it; -1 where there is none."""
    needs, levels, worth = case[2][i], case[5], case[6]
    skills, clock, members, free, pool, trial = today
    t = case[0][i]
    rest = thrift * (DAY - t)
    team, joining, price = -1, 0, math.inf
    for c in range(crews):
        if max(clock[c], ready) + t <= DAY and members[c] * t < price and covers(skills[c], needs):
            team, price = c, float(members[c] * t)
    if covers(pool, needs):
        found = recruit(needs, free, levels, worth, trial)
        if found > 0 and found * (t + rest) < price:
            team, joining, price = crews, found, found * (t + rest)
            chosen[:found] = trial[:found]
    for c in range(crews):
        timely = max(clock[c], ready) + t <= DAY and (members[c] + 1) * t + rest < price
        if timely and covers(pool + skills[c], needs):
            found = recruit(needs - skills[c], free, levels, worth, trial)
            if found > 0 and (members[c] + found) * t + found * rest < price:
                team, joining, price = c, found, (members[c] + found) * t + found * rest
                chosen[:found] = trial[:found]
    return team, joining


@compiled
def join(team: int, joining: int, chosen: Any, today: Any, levels: Any, teams: Any) -> None:
    """Let those chosen join a team for this day."""
    skills, _, members, free, pool, _ = today
    for n in range(joining):
        p = chosen[n]
        free[p] = False
        pool -= levels[p]
        skills[team] += levels[p]
        teams[p] = team
    members[team] += joining


@compiled
def lay_day(case: Any, left: Any, size: int, day: int, thrift: float, plan: Any, teams: Any) -> int:
    """Lay what fits into one day; return how many are left, in order, in `left`."""
    times, levels, off = case[0], case[5], case[7]
    people, wide = levels.shape
    free, pool = ~off[day], np.zeros(wide, np.int64)
    for p in range(people):
        if free[p]:
            pool += levels[p]
    skills, clock, members = np.zeros((people, wide), np.int64), np.zeros(people, np.int64), np.zeros(people, np.int64)
    chosen, trial = np.zeros(people, np.int64), np.zeros(people, np.int64)
    today = (skills, clock, members, free, pool, trial)
    crews, again = 0, True
    while again:
        kept, waits = 0, False
        for at in range(size):
            i = left[at]
            ready = ready_at(case, plan, i, day)
            waits |= ready == 2 * DAY
            team, joining = -1, 0
            if ready + times[i] <= DAY:
                team, joining = staff(case, i, ready, thrift, crews, today, chosen)
            if team < 0:
                left[kept] = i
                kept += 1
                continue
            crews = max(crews, team + 1)
            join(team, joining, chosen, today, levels, teams[day])
            plan[i, 0], plan[i, 1], plan[i, 2] = day, max(clock[team], ready), team
            clock[team] = plan[i, 1] + times[i]
        # what waited for something that has its time now can still begin today
        again = kept < size and waits
        size = kept
    return size


@compiled
def lay(case: Any, order: Any, out: Any, thrift: float, plan: Any, teams: Any) -> int:
    """Lay the interventions in this order, day by day; return the cost. `plan`: day, start, team; `teams`: by day.

    `thrift`: what the rest of the day of somebody who joins a team is worth, from 0 (nothing) to 1 (as much as work).
    """
    plan[:] = -1
    teams[:] = -1
    left = order[~out[order]]
    size, day = len(left), 0
    while size:
        if day == DAYS_MAX:
            return IMPOSSIBLE
        size = lay_day(case, left, size, day, thrift, plan, teams)
        day += 1
    return cost_of(case, plan)


@compiled
def cost_of(case: Any, plan: Any) -> int:
    """Return the challenge's cost."""
    times, priority = case[0], case[1]
    last = np.zeros(5, np.int64)
    for i in range(len(times)):
        if plan[i, 0] >= 0:
            end = plan[i, 0] * DAY + plan[i, 1] + times[i]
            last[priority[i]] = max(last[priority[i]], end)
    return 28 * last[1] + 14 * last[2] + 4 * last[3] + last.max()


@compiled
def guide(case: Any, plan: Any) -> float:
    """Return the mean end of each priority, weighed as its last end: which way to go where the cost is level."""
    times, priority = case[0], case[1]
    ends, count = np.zeros(5), np.zeros(5)
    for i in range(len(times)):
        if plan[i, 0] >= 0:
            ends[priority[i]] += plan[i, 0] * DAY + plan[i, 1] + times[i]
            count[priority[i]] += 1
    ends /= np.maximum(count, 1.0)
    return 28 * ends[1] + 14 * ends[2] + 4 * ends[3] + ends[4]


@compiled
def outsource(rank: Any, costs: Any, closure: Any, budget: int, out: Any) -> None:
    """Give away as much as the budget pays, by rank; with each all that follow it."""
    out[:] = False
    spent = 0
    for i in rank:
        if not out[i]:
            price = 0
            for j in range(len(costs)):
                if closure[i, j] and not out[j]:
                    price += costs[j]
            if spent + price <= budget:
                spent += price
                out |= closure[i]


@compiled
def move(order: Any, i: int, j: int) -> None:
    """Move what stands at place i to place j."""
    moved = order[i]
    if i < j:
        order[i:j] = order[i + 1 : j + 1].copy()
    else:
        order[j + 1 : i + 1] = order[j:i].copy()
    order[j] = moved


@compiled
def last_ones(case: Any, plan: Any, p: int) -> int:
    """Return an intervention that ends last of those of priority p, -1 where there is none."""
    times, priority = case[0], case[1]
    best, end = -1, -1
    for i in range(len(times)):
        if priority[i] == p and plan[i, 0] >= 0 and plan[i, 0] * DAY + plan[i, 1] + times[i] > end:
            best, end = i, plan[i, 0] * DAY + plan[i, 1] + times[i]
    return best


@compiled
def search(
    case: Any, costs: Any, closure: Any, budget: int, order: Any, rank: Any, thrift: float, steps: int, seed: int
) -> Any:
    """Anneal over the order of interventions and of what is given away; return cost, plan, teams of the best."""
    np.random.seed(seed)
    n, people = len(case[0]), case[5].shape[0]
    out = np.zeros(n, np.bool_)
    plan, teams = np.full((n, 3), -1), np.full((DAYS_MAX, people), -1)
    outsource(rank, costs, closure, budget, out)
    cost = best = lay(case, order, out, thrift, plan, teams)
    felt = cost + GUIDED * guide(case, plan)
    best_plan, best_teams, now = plan.copy(), teams.copy(), plan.copy()
    for s in range(steps):
        heat = 0.004 * best * (1.0 - s / steps) + 1e-6
        old_order, old_rank, old_thrift = order.copy(), rank.copy(), thrift
        kind = np.random.randint(10)
        if np.random.randint(50) == 0:
            thrift = THRIFTS[np.random.randint(len(THRIFTS))]
        if kind == 0 and budget > 0:
            move(rank, np.random.randint(n), np.random.randint(max(1, n // 4)))
            outsource(rank, costs, closure, budget, out)
        elif kind < 5:
            i = last_ones(case, now, np.random.randint(1, 5))
            if i < 0:
                continue
            at = 0
            while order[at] != i:
                at += 1
            move(order, at, np.random.randint(at + 1))
        elif kind < 8:
            at = np.random.randint(n)
            move(order, at, min(n - 1, max(0, at + np.random.randint(-n // 5 - 1, n // 5 + 2))))
        else:
            at, to = np.random.randint(n), np.random.randint(n)
            order[at], order[to] = order[to], order[at]
        found = lay(case, order, out, thrift, plan, teams)
        feels = found + GUIDED * guide(case, plan) if found < IMPOSSIBLE else math.inf
        if feels <= felt - heat * math.log(1.0 - np.random.random()):
            cost, felt = found, feels
            now[:] = plan
            if cost < best:
                best = cost
                best_plan[:], best_teams[:] = plan, teams
        else:
            order[:], rank[:], thrift = old_order, old_rank, old_thrift
            if kind == 0 and budget > 0:
                outsource(rank, costs, closure, budget, out)
    return best, best_plan, best_teams
