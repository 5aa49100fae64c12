"""The demo's labels in English and Chinese (VOCABULARY 3-6), by the names of the values and reason codes."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from matcher.reasons import Unassigned


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One language's labels."""

    summary: str
    labels: dict[str, str]

    def of(self, name: str) -> str:
        """Return the label of a value or reason; the name itself where there is none."""
        return self.labels.get(name, name)


ENGLISH = Words(
    summary="What it came to",
    labels={
        "requests": "点 asked",
        "assigned": "派 offered",
        "accepted": "接 accepted",
        "completed": "监 done",
        "rated": "评 rated",
        "closed": "closed",
        "open": "open",
        "expired": "expired (nobody found in time)",
        "cancelled": "cancelled",
        "unassigned_by_reason": "why unassigned",
        "parked": "commands parked",
        "lost": "commands lost",
        "double_bookings": "double bookings",
        "distance_m": "way to the door, m",
        "near": "within the preferred · acceptable way",
        "asked_for": "visits that somebody asked for",
        "event_to_offer_ms": "from the beat's events to the offer, ms",
        "beats": "beats",
        "solve_ms": "one solve, ms",
        "commands_per_second": "commands a second",
        "peak_rss_mb": "memory at most, MB",
        "waiting": "waiting for somebody",
        "people": "volunteers",
        "beat_ms": "beat, ms",
        "zones_by_process": "zones answered by",
        "beat": "whole",
        "append": "append",
        "answer": "until answered",
        "fold": "of that: fold",
        "tell": "of that: people, counts",
        "between": "between beats",
        "day": "day",
        "reopened": "reopened",
        "declined": "declined",
        "no_shows": "no-shows",
        "offers_expired": "offers not answered",
        "invented": "The county, its places, its people and their requests are invented.",
        "playing": "simulated people, simulated time; nothing leaves this machine",
        Unassigned.NO_REGISTERED_VOLUNTEER.value: "no registered volunteer",
        Unassigned.MISSING_SKILL.value: "nobody has the skill",
        Unassigned.QUALIFICATION_EXPIRED.value: "certificate expired",
        Unassigned.OUTSIDE_AREA.value: "nobody in its area",
        Unassigned.PLACE_CROWDED.value: "its compound is full of visitors",
        Unassigned.TRAVEL_TOO_FAR.value: "too far",
        Unassigned.OUTSIDE_SERVICE_CIRCLE.value: "outside the service circle",
        Unassigned.VISIT_LIMIT_REACHED.value: "all have visits enough that day or week",
        Unassigned.NO_START_POSSIBLE.value: "no hours that fit",
        Unassigned.EXCLUDED_BY_REQUESTER.value: "excluded by the requester",
        Unassigned.RESTRICTED.value: "restricted by the request",
        Unassigned.NOT_AMONG_MUST_HAVE.value: "none of those it must have",
        Unassigned.NOT_OF_TEAM.value: "nobody of the team asked for",
        Unassigned.PREVIOUSLY_REFUSED.value: "all who could have refused",
        Unassigned.ALERT_BUDGET_SPENT.value: "all have been asked enough today",
        Unassigned.ALREADY_COMMITTED.value: "all who could are committed",
        Unassigned.CREW_INCOMPLETE.value: "crew incomplete",
        Unassigned.OUTBID.value: "another request took the last one",
        Unassigned.NOT_YET_SOLVED.value: "not solved yet",
    },
)

CHINESE = Words(
    summary="结果汇总",
    labels={
        "requests": "点单",
        "assigned": "派单",
        "accepted": "接单",
        "completed": "监单 办结",
        "rated": "评单",
        "closed": "已归档",
        "open": "未结",
        "expired": "逾期无人",
        "cancelled": "已撤单",
        "unassigned_by_reason": "未派原因",
        "parked": "搁置指令",
        "lost": "丢失指令",
        "double_bookings": "重复派人",
        "distance_m": "上门距离 (米)",
        "near": "优先距离内 · 可接受距离内",
        "asked_for": "有真实点单的上门",
        "event_to_offer_ms": "事件到派单 (毫秒)",
        "beats": "节拍数",
        "solve_ms": "单次求解 (毫秒)",
        "commands_per_second": "每秒指令",
        "peak_rss_mb": "内存峰值 (MB)",
        "waiting": "待派单",
        "people": "志愿者",
        "beat_ms": "节拍用时 (毫秒)",
        "zones_by_process": "各进程所答片区",
        "beat": "合计",
        "append": "写入",
        "answer": "等待答复",
        "fold": "其中 状态",
        "tell": "其中 人员与计数",
        "between": "节拍之间",
        "day": "日期",
        "reopened": "重办",
        "declined": "拒单",
        "no_shows": "接而不到",
        "offers_expired": "超时未接",
        "invented": "本县及其地点、人员、点单均为虚构。",
        "playing": "模拟人员、模拟时间，数据不出本机",
        Unassigned.NO_REGISTERED_VOLUNTEER.value: "无报到志愿者",
        Unassigned.MISSING_SKILL.value: "无人具备特长",
        Unassigned.QUALIFICATION_EXPIRED.value: "资质过期",
        Unassigned.OUTSIDE_AREA.value: "范围内无人",
        Unassigned.PLACE_CROWDED.value: "小区上门人数已满",
        Unassigned.TRAVEL_TOO_FAR.value: "路程过远",
        Unassigned.OUTSIDE_SERVICE_CIRCLE.value: "超出服务圈",
        Unassigned.VISIT_LIMIT_REACHED.value: "均已达次数上限",
        Unassigned.NO_START_POSSIBLE.value: "时间不合",
        Unassigned.EXCLUDED_BY_REQUESTER.value: "点单人排除",
        Unassigned.RESTRICTED.value: "不得服务此单",
        Unassigned.NOT_AMONG_MUST_HAVE.value: "指定人选不能来",
        Unassigned.NOT_OF_TEAM.value: "所要服务队无人能来",
        Unassigned.PREVIOUSLY_REFUSED.value: "均已拒单",
        Unassigned.ALERT_BUDGET_SPENT.value: "今日派单次数已满",
        Unassigned.ALREADY_COMMITTED.value: "均已有任务",
        Unassigned.CREW_INCOMPLETE.value: "人手不齐",
        Unassigned.OUTBID.value: "被其他需求占用",
        Unassigned.NOT_YET_SOLVED.value: "尚未求解",
    },
)


def choose(lang: str | None, environment: Mapping[str, str]) -> Words:
    """Return the labels that were asked for, else those of LC_ALL, LC_MESSAGES or LANG, else English."""
    found = lang or next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return CHINESE if found.lower().startswith("zh") else ENGLISH
