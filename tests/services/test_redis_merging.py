"""Redis commands that are joined do what they did one by one."""

from __future__ import annotations

import random
from typing import Any

import pytest

from services.adapters.redis_merging import JOINABLE, merged

Command = tuple[Any, ...]


def test_changes_of_one_key_become_one_command():
    assert merged([("HSET", "a", "x", 1), ("HSET", "a", "y", 2), ("HSET", "a", "x", 3)]) == [
        ("HSET", "a", "x", 1, "y", 2, "x", 3)
    ]


def test_commands_on_other_keys_between_do_not_keep_them_apart():
    assert merged([("SADD", "a", 1), ("ZADD", "b", 0, "m"), ("SADD", "a", 2), ("ZADD", "b", 1, "n")]) == [
        ("SADD", "a", 1, 2),
        ("ZADD", "b", 0, "m", 1, "n"),
    ]


def test_what_is_added_after_it_was_removed_stays_in_its_place():
    assert merged([("HSET", "a", "x", 1), ("HDEL", "a", "x"), ("HDEL", "a", "y"), ("HSET", "a", "x", 2)]) == [
        ("HSET", "a", "x", 1),
        ("HDEL", "a", "x", "y"),
        ("HSET", "a", "x", 2),
    ]


@pytest.mark.parametrize("verb", ["SET", "DEL", "EXPIRE", "HINCRBY"])
def test_a_command_whose_arguments_cannot_follow_one_another_stays_alone(verb: str):
    commands: list[Command] = [(verb, "a", "x", 1), (verb, "a", "x", 1)]
    assert merged(commands) == commands


def test_nothing_to_do_is_nothing_to_do():
    assert merged([]) == []


@pytest.mark.parametrize("seed", range(20))
def test_every_key_sees_the_same_changes_in_the_same_order(seed: int):
    chance = random.Random(seed)
    verbs = [*sorted(JOINABLE), "DEL"]
    commands: list[Command] = [(chance.choice(verbs), f"k{chance.randrange(4)}", n) for n in range(60)]
    joined = merged(commands)
    for key in {command[1] for command in commands}:
        assert _changes(joined, key) == _changes(commands, key)
    assert len(joined) < len(commands)


def _changes(commands: list[Command], key: str) -> list[tuple[str, Any]]:
    return [(verb, argument) for verb, of, *arguments in commands if of == key for argument in arguments]
