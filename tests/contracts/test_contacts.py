"""What every keeper of contacts must do. A new adapter is one more line in KEEPERS."""

from __future__ import annotations

import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.adapters.contacts_memory import MemoryContacts
from services.adapters.contacts_sqlite import SqliteContacts
from services.contacts import BadContact, Contact, Contacts, ContactsAway, check
from tests.shell import ROOT, clean_environment

HOOK = Contact(webhook="https://example.org/hook?key=1")
MAIL = Contact(mailbox="ana@example.org")
KEEPERS: dict[str, Callable[[Path], Contacts]] = {
    "memory": lambda folder: MemoryContacts(),
    "sqlite": lambda folder: SqliteContacts(folder / "contacts.sqlite"),
}


@pytest.fixture(params=KEEPERS)
def contacts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Contacts]:
    keeper = KEEPERS[request.param](tmp_path)
    yield keeper
    if isinstance(keeper, SqliteContacts):
        keeper.close()


def test_what_was_put_is_got_and_the_last_one_counts(contacts: Contacts) -> None:
    contacts.put("z1", "ana", HOOK)
    contacts.put("z1", "ana", MAIL)
    assert contacts.get("z1", "ana") == MAIL


def test_the_same_id_in_another_zone_is_another_person(contacts: Contacts) -> None:
    contacts.put("z1", "ana", HOOK)
    assert contacts.get("z2", "ana") is None


def test_an_erased_contact_is_gone_and_erasing_again_is_no_error(contacts: Contacts) -> None:
    contacts.put("z1", "ana", HOOK)
    contacts.erase("z1", "ana")
    contacts.erase("z1", "ana")
    assert contacts.get("z1", "ana") is None


def test_another_thread_may_ask(contacts: Contacts) -> None:
    contacts.put("z1", "ana", HOOK)
    seen: list[Contact | None] = []
    thread = threading.Thread(target=lambda: seen.append(contacts.get("z1", "ana")))
    thread.start()
    thread.join()
    assert seen == [HOOK]


def test_sqlite_keeps_contacts_over_a_restart_and_erases_the_bytes(tmp_path: Path) -> None:
    path = tmp_path / "contacts.sqlite"
    first = SqliteContacts(path)
    first.put("z1", "ana", MAIL)
    first.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = SqliteContacts(path)
    assert second.get("z1", "ana") == MAIL
    second.erase("z1", "ana")
    second.close()
    assert b"ana@example.org" not in path.read_bytes()


def filled(contacts: SqliteContacts) -> None:
    """Leave SQLite as it is on a disk that has no more pages to give."""
    pages = contacts._db.execute("PRAGMA page_count").fetchone()[0]
    contacts._db.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_keeps_no_contact_says_so_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    contacts = SqliteContacts(tmp_path / "contacts.sqlite")
    contacts.put("z1", "ana", HOOK)
    filled(contacts)
    large = Contact(webhook="https://example.org/" + "h" * 100_000)
    with pytest.raises(ContactsAway, match="disk is full"):
        contacts.put("z1", "ana", large)
    assert contacts.get("z1", "ana") == HOOK
    contacts._db.execute("PRAGMA max_page_count = 1000000")
    contacts.put("z1", "ana", large)
    assert contacts.get("z1", "ana") == large
    contacts.close()


def test_a_disk_that_may_not_be_written_forgets_nobody_silently(tmp_path: Path) -> None:
    contacts = SqliteContacts(tmp_path / "contacts.sqlite")
    contacts.put("z1", "ana", HOOK)
    contacts._db.execute("PRAGMA query_only = ON")
    with pytest.raises(ContactsAway, match="See the disk"):
        contacts.erase("z1", "ana")
    contacts.close()


WRITES = 60
#: Another process: puts, erases and reads beside this one.
OTHER = """
import sys
from pathlib import Path
from services.adapters.contacts_sqlite import SqliteContacts
from services.contacts import Contact
mine = SqliteContacts(Path(sys.argv[1]))
print("open", flush=True)
for n in range(int(sys.argv[2])):
    mine.put("z1", f"other{n}", Contact(mailbox=f"other{n}@example.org"))
    mine.put("z1", "shared", Contact(mailbox=f"other{n}@example.org"))
    mine.get("z1", f"ana{n}")
for n in range(0, int(sys.argv[2]), 2):
    mine.erase("z1", f"other{n}")
"""


def test_api_and_worker_of_one_machine_share_the_file_as_two_processes(tmp_path: Path) -> None:
    path = tmp_path / "contacts.sqlite"
    mine = SqliteContacts(path)
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(path), str(WRITES)],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline().strip() == "open"
    for n in range(WRITES):
        mine.put("z1", f"ana{n}", MAIL)
        mine.put("z1", "shared", HOOK)
        assert mine.get("z1", f"ana{n}") == MAIL
    _, said = other.communicate(timeout=60)
    assert (other.returncode, said) == (0, "")
    assert all(mine.get("z1", f"ana{n}") == MAIL for n in range(WRITES))
    kept = [n for n in range(WRITES) if mine.get("z1", f"other{n}") is not None]
    assert kept == list(range(1, WRITES, 2))
    assert mine.get("z1", "shared") in (HOOK, Contact(mailbox=f"other{WRITES - 1}@example.org"))
    mine.erase("z1", "ana0")
    assert {file.name for file in tmp_path.iterdir()} == {path.name}  # nothing beside it that could still hold a row
    for n in range(0, WRITES, 2):
        assert f"other{n}@".encode() not in path.read_bytes()
    mine.close()


@pytest.mark.parametrize(
    "contact",
    [
        HOOK,
        MAIL,
        Contact(webhook="http://127.0.0.1:8080/hook"),
        Contact(mailbox="ana@localhost"),
        Contact(webhook="https://[::1]:80/x"),
    ],
)
def test_a_webhook_or_a_mailbox_is_taken(contact: Contact) -> None:
    check(contact)


@pytest.mark.parametrize(
    "contact",
    [
        Contact(),
        Contact(webhook="https://example.org", mailbox="ana@example.org"),
        Contact(webhook="file:///etc/passwd"),
        Contact(webhook="https://:80/"),
        Contact(webhook="https://user:secret@example.org/"),
        Contact(webhook="https://example.org:99999/"),
        Contact(webhook="https://example.org/a b"),
        Contact(webhook="https://example.org/\r\nX: y"),
        Contact(webhook="https://example.org/" + "x" * 2000),
        Contact(mailbox="no-sign"),
        Contact(mailbox="ana@example.org, ben@example.org"),
        Contact(mailbox="ana@example.org\nBcc: ben@example.org"),
        Contact(mailbox="ana@example.org?to=ben@example.org"),
    ],
)
def test_anything_else_is_refused_without_being_repeated(contact: Contact) -> None:
    with pytest.raises(BadContact) as refused:
        check(contact)
    for said in (contact.webhook, contact.mailbox):
        assert said is None or said not in str(refused.value)


def test_a_contact_does_not_show_itself_in_a_log_line() -> None:
    assert "example" not in f"{HOOK} {MAIL!r}"
