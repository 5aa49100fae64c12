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
def recruit(lack: Any, free: Any, levels: Any, worth: Any, chosen: Any) -> int:
    """Choose free technicians who fill what is lacking; return how many, -1 where they do not suffice.

    Those who fill the most come first, of equals the least able; who turns out not to be needed stays free.
    """
    count, people, wide = 0, levels.shape[0], len(lack)
    left = lack.copy()
    while True:
        open_needs = 0
        for k in range(wide):
            open_needs += max(0, left[k])
        if open_needs == 0:
            break
        best, best_score = -1, 0.0
        for p in range(people):
            if free[p]:
                fills = 0
                for k in range(wide):
                    if left[k] > 0 and levels[p, k]:
                        fills += 1
                score = fills * 1000.0 - worth[p]
                if fills and (best < 0 or score > best_score):
                    best, best_score = p, score
        if best < 0:
            for n in range(count):
                free[chosen[n]] = True
            return -1
        free[best] = False
        chosen[count] = best
        count += 1
        left -= levels[best]
    kept = 0
    for n in range(count):
        p = chosen[n]
        if np.all(left + levels[p] <= 0):
            left += levels[p]
            free[p] = True
        else:
            chosen[kept] = p
            kept += 1
    for n in range(kept):
        free[chosen[n]] = True
    return kept


@compiled
def lay(case: Any, order: Any, out: Any, thrift: float, plan: Any, teams: Any) -> int:
    """Lay the interventions in this order, day by day; return the cost. `plan`: day, start, team; `teams`: by day."""
    times, priority, needs, before_at, before, levels, worth, off = case
    n, people, wide = len(times), levels.shape[0], needs.shape[1]
    plan[:] = -1
    teams[:] = -1
    left = np.empty(n, np.int64)
    size = 0
    for i in order:
        if not out[i]:
            left[size] = i
            size += 1
    skills, clock, members = np.zeros((people, wide), np.int64), np.zeros(people, np.int64), np.zeros(people, np.int64)
    chosen, trial = np.zeros(people, np.int64), np.zeros(people, np.int64)
    day = 0
    while size:
        if day == DAYS_MAX:
            return IMPOSSIBLE
        free = ~off[day]
        pool = np.zeros(wide, np.int64)
        for p in range(people):
            if free[p]:
                pool += levels[p]
        crews, again = 0, True
        while again:
            kept, placed, waits = 0, 0, 0
            for at in range(size):
                i = left[at]
                ready, bound = 0, False
                for b in range(before_at[i], before_at[i + 1]):
                    if plan[before[b], 0] < 0:
                        bound = True
                    else:
                        ready = max(ready, plan[before[b], 0] * DAY + plan[before[b], 1] + times[before[b]] - day * DAY)
                left[kept] = i
                kept += 1
                if bound or ready + times[i] > DAY:
                    waits += bound
                    continue
                t = times[i]
                team, joining, price = -1, 0, math.inf
                for c in range(crews):
                    if max(clock[c], ready) + t <= DAY and members[c] * t < price and covers(skills[c], needs[i]):
                        team, price = c, float(members[c] * t)
                if covers(pool, needs[i]):
                    found = recruit(needs[i], free, levels, worth, trial)
                    asked = found * (t + thrift * (DAY - t))
                    if found > 0 and asked < price:
                        team, joining, price = crews, found, asked
                        chosen[:found] = trial[:found]
                for c in range(crews):
                    if max(clock[c], ready) + t <= DAY and (members[c] + 1) * t + thrift * (DAY - t) < price:
                        if covers(pool + skills[c], needs[i]):
                            found = recruit(needs[i] - skills[c], free, levels, worth, trial)
                            asked = (members[c] + found) * t + thrift * found * (DAY - t)
                            if found > 0 and asked < price:
                                team, joining, price = c, found, asked
                                chosen[:found] = trial[:found]
                if team < 0:
                    continue
                if team == crews:
                    crews += 1
                    skills[team], clock[team], members[team] = 0, 0, 0
                for m in range(joining):
                    p = chosen[m]
                    free[p] = False
                    pool -= levels[p]
                    skills[team] += levels[p]
                    teams[day, p] = team
                members[team] += joining
                begin = max(clock[team], ready)
                plan[i, 0], plan[i, 1], plan[i, 2] = day, begin, team
                clock[team] = begin + times[i]
                kept -= 1
                placed += 1
            size = kept
            # what waited for something that has its time now can still begin today
            again = placed > 0 and waits > 0
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
