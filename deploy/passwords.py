"""Passwords for deploy/compose.yaml: `python3 deploy/passwords.py`, once. Needs nothing but Python.

Writes the folder `secrets` beside itself; what is there stays as it is. Containers read the files as users of their
own, so the files can be read by all, and the folder by its owner only.
"""

from __future__ import annotations

import random
import string
import sys
from pathlib import Path

LENGTH = 32
LETTERS = string.ascii_letters + string.digits
USER = "paidan"


def password(chance: random.Random) -> str:
    """Return one that needs no escaping in a URL or a settings file."""
    return "".join(chance.choice(LETTERS) for _ in range(LENGTH))


def contents(chance: random.Random) -> dict[str, str]:
    """Return each file's content: what a server demands and what its clients say go together."""
    redis, rabbitmq = password(chance), password(chance)
    return {
        "redis.conf": f"requirepass {redis}\n",
        "redis_url": f"redis://:{redis}@redis:6379/0\n",
        "rabbitmq.conf": f"default_user = {USER}\ndefault_pass = {rabbitmq}\n",
        "amqp_url": f"amqp://{USER}:{rabbitmq}@rabbitmq:5672//\n",
    }


def write(folder: Path) -> bool:
    """Make the folder; False, and nothing changed, when it is there."""
    if folder.exists():
        return False
    half = folder.with_name(f"{folder.name}.half")
    half.mkdir(mode=0o700, exist_ok=True)
    for name, content in contents(random.SystemRandom()).items():
        file = half / name
        file.write_text(content, encoding="utf-8")
        file.chmod(0o644)
    half.rename(folder)
    return True


if __name__ == "__main__":
    place = Path(__file__).parent / "secrets"
    print(f"{place}: {'made' if write(place) else 'is there, nothing changed'}", file=sys.stderr)
