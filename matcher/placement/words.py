"""A placement in plain sentences, English and Chinese. Called by `paidan placement`; the values are in `report`."""

from __future__ import annotations

from typing import Any

from matcher.placement.posing import CannotPlace, Missing
from matcher.placement.report import Figures, Move, Report
from matcher.placement.witness import TooFew, TooMany

#: Sites named in one sentence.
NAMED_MAX = 8

ENGLISH: dict[str, str] = {
    "people": "Zone {zone}: {members} people, {sites} places of level {level}.",
    "units": "Zone {zone}: {members} units or links, {sites} communities.",
    "posts": "Zone {zone}: {members} cadres without a post, {sites} posts.",
    "before": "Now: {figures}.",
    "after": "Suggested: {figures}.",
    "placed": "{placed} placed",
    "way": "mean way {mean} m, {near} % within 500 m",
    "shares": "{least} to {most} per 1,000 residents",
    "balance": "{out} too few or too many",
    "needs": "{filled} of {needs} places of stated needs filled",
    "moves": "Suggestions: {moves} (first registrations: {new}). Nothing happens until the commands are sent.",
    "posts.moves": "Claims suggested: {moves}. Nothing happens until the commands are sent.",
    "optimal": "Proven: of all feasible placements none is better ({cost} points, bound {bound}).",
    "gap": "Not proven best: {cost} points, no placement is below {bound}.",
    "weak": "The numbers are too large to put balance before everything; one out of balance has a fixed price.",
    "move": "{member}: {source} -> {target}, {why}.",
    "new": "{member}: -> {target}, {metres} m away{counted}.",
    "counted": ", for {ability}",
    "nearer": "{metres} m nearer",
    "farther": "{metres} m farther",
    "same": "no farther",
    "gains.balance": "{count} fewer out of balance",
    "gains.needs": "{count} more needed place filled",
    "loses.needs": "{count} needed place given up",
    "ability": "for {ability}",
    "more": "… and {count} more (all of them with --csv or --json).",
    "few": "{sites} are to have {wanted} together; only {members} may be at any of them.",
    "many": "{members} may be nowhere but at {sites}, which have room for {room}.",
    "stay": "{members} may be nowhere but at {sites}, which have room for {room}; {stay} of them stay "
    "(a claimed post there, a pause, several links).",
    "nowhere": "No place within reach: {members}.",
    "left": "Left out, every post that suits them is full: {members}.",
    "sites.more": "{sites} and {count} more",
    "join": ", ",
    "people.missing": "Zone ({zone}) has nobody to place. Register people, or see who has left or holds a post.",
    "units.missing": "Zone ({zone}) has no units. Define them first (DefineUnit).",
    "places.missing": "Zone ({zone}) has no places of level ({level}). Define some (DefinePlace) or choose a level.",
    "residents.missing": "No place of level ({level}) in zone ({zone}) says its residents. Give them with DefinePlace.",
    "points.missing": "Nothing in zone ({zone}) says where it is. Give `point` with DefinePlace and DefineUnit.",
    "posts.missing": "Zone ({zone}) has no posts. Define them first (DefinePost).",
}
CHINESE: dict[str, str] = {
    "people": "区域 {zone}：{members} 人，{sites} 个地点（层级 {level}）。",
    "units": "区域 {zone}：{members} 个单位（或结对），{sites} 个社区。",
    "posts": "区域 {zone}：{members} 名干部尚未认领岗位，共 {sites} 个岗位。",
    "before": "现状：{figures}。",
    "after": "建议：{figures}。",
    "placed": "已编入 {placed}",
    "way": "平均路程 {mean} 米，{near}% 在 500 米以内",
    "shares": "每千名居民 {least} 至 {most}",
    "balance": "不足或超出共 {out}",
    "needs": "所需特长与职能 {needs} 个名额中已满足 {filled} 个",
    "moves": "建议共 {moves} 条（首次 {new} 条）。须有人发送命令才会生效。",
    "posts.moves": "建议认领 {moves} 条。须有人发送命令才会生效。",
    "optimal": "已证明：所有可行方案中没有更好的（{cost} 分，下界 {bound}）。",
    "gap": "未证明最优：{cost} 分，任何方案不低于 {bound}。",
    "weak": "数值过大，无法把均衡放在一切之前；每多或少一个按固定价格计。",
    "move": "{member}：{source} → {target}，{why}。",
    "new": "{member}：→ {target}，距离 {metres} 米{counted}。",
    "counted": "，用其{ability}",
    "nearer": "近 {metres} 米",
    "farther": "远 {metres} 米",
    "same": "距离不变",
    "gains.balance": "失衡减少 {count}",
    "gains.needs": "多满足 {count} 个所需名额",
    "loses.needs": "少满足 {count} 个所需名额",
    "ability": "用其{ability}",
    "more": "……另有 {count} 条（用 --csv 或 --json 查看全部）。",
    "few": "{sites} 合计应有 {wanted}，能到其中任何一处的只有 {members}。",
    "many": "{members} 只能在 {sites}，而这些地点只容 {room}。",
    "stay": "{members} 只能在 {sites}，而这些地点只容 {room}；其中 {stay} 留在原处"
    "（在当地认领了岗位、暂停服务或已有多处结对）。",
    "nowhere": "可到范围内没有地点：{members}。",
    "left": "适合的岗位均已满，未能编入：{members}。",
    "sites.more": "{sites} 及另外 {count} 处",
    "join": "，",
    "people.missing": "区域（{zone}）没有可编入的人。请先报到，或核对是否均已离开或已认领岗位。",
    "units.missing": "区域（{zone}）没有单位，请先用 DefineUnit 建立。",
    "places.missing": "区域（{zone}）没有层级为（{level}）的地点，请先用 DefinePlace 建立，或换一个层级。",
    "residents.missing": "区域（{zone}）层级为（{level}）的地点都没有居民人数，请在 DefinePlace 中给出。",
    "points.missing": "区域（{zone}）没有任何位置，请在 DefinePlace 与 DefineUnit 中给出 `point`。",
    "posts.missing": "区域（{zone}）没有岗位，请先用 DefinePost 建立。",
}
WORDS = {"en": ENGLISH, "zh": CHINESE}


def missing(error: CannotPlace, language: str) -> str:
    """Return what the zone lacks, and what to do."""
    return WORDS[language][f"{Missing(error.missing)}.missing"].format(zone=error.zone, level=error.level)


class Told:
    """One report in one language. KeyError for a language there is none of."""

    def __init__(self, language: str) -> None:
        self._words = WORDS[language]

    def lines(self, kind: str, zone: str, level: str, report: Report, limit: int) -> list[str]:
        """Return the whole: figures, proof, the first `limit` suggestions, what stays short and why."""
        new = sum(move.source is None for move in report.moves)
        moves = "posts.moves" if kind == "posts" else "moves"
        proven = "optimal" if report.optimal else "gap"
        said = [
            self._say(kind, zone=zone, members=report.members, sites=report.sites, level=level),
            self._say("before", figures=self._figures(report.before, report)),
            self._say("after", figures=self._figures(report.after, report)),
            self._say(moves, moves=len(report.moves), new=new),
            self._say(proven, cost=report.cost, bound=report.bound),
        ]
        if not report.balance_first:
            said.append(self._say("weak"))
        said += [self._move(move) for move in report.moves[:limit]]
        if len(report.moves) > limit:
            said.append(self._say("more", count=len(report.moves) - limit))
        return said + self._short(report)

    def _figures(self, figures: Figures, report: Report) -> str:
        parts = [self._say("placed", placed=figures.placed)]
        if figures.placed:
            parts.append(self._say("way", mean=figures.mean_m, near=figures.near_percent))
        if figures.per_1000_least is not None:
            parts.append(self._say("shares", least=figures.per_1000_least, most=figures.per_1000_most))
            parts.append(self._say("balance", out=figures.out_of_balance))
        if report.needs:
            parts.append(self._say("needs", filled=figures.needs_filled, needs=report.needs))
        return self._words["join"].join(parts)

    def _move(self, move: Move) -> str:
        ability = None if move.ability is None else move.ability.partition(":")[2]
        if move.source is None:
            counted = "" if ability is None else self._say("counted", ability=ability)
            return self._say("new", member=move.member, target=move.target, metres=move.metres, counted=counted)
        saved = move.metres_saved
        way = "same" if saved == 0 else "nearer" if saved > 0 else "farther"
        why = [self._say(way, metres=abs(saved))]
        if move.balance_gained:
            why.append(self._say("gains.balance", count=move.balance_gained))
        if move.needs_gained:
            key = "gains.needs" if move.needs_gained > 0 else "loses.needs"
            why.append(self._say(key, count=abs(move.needs_gained)))
        if ability is not None:
            why.append(self._say("ability", ability=ability))
        joined = self._words["join"].join(why)
        return self._say("move", member=move.member, source=move.source, target=move.target, why=joined)

    def _short(self, report: Report) -> list[str]:
        said = [self._witness("few", few, wanted=few.wanted) for few in report.too_few]
        for many in report.too_many:
            said.append(self._witness("stay" if many.stay else "many", many, room=many.room, stay=many.stay))
        for key, who in (("nowhere", report.nowhere), ("left", report.left_out)):
            if who:
                said.append(self._say(key, members=self._named(who)))
        return said

    def _witness(self, key: str, witness: TooFew | TooMany, **values: int) -> str:
        return self._say(key, sites=self._named(witness.sites), members=witness.members, **values)

    def _named(self, names: tuple[str, ...]) -> str:
        first = self._words["join"].join(names[:NAMED_MAX])
        rest = len(names) - NAMED_MAX
        return first if rest <= 0 else self._say("sites.more", sites=first, count=rest)

    def _say(self, key: str, **values: Any) -> str:
        return self._words[key].format(**values)
