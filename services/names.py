"""The product's name, and every name made from it. Nothing else spells it."""

NAME = "paidan"

COMMANDS = f"{NAME}.commands"
JOURNAL = f"{NAME}.journal"
SNAPSHOTS = f"{NAME}.snapshots"
PARKED = f"{NAME}.parked"
TOPICS = (COMMANDS, JOURNAL, SNAPSHOTS, PARKED)

#: Partitions of each topic unless the operator says otherwise; commands and journal always have the same number.
PARTITIONS = 16

#: The log's file in a data folder.
LOG_FILE = "log.sqlite"
#: The contacts' file in a data folder.
CONTACTS_FILE = "contacts.sqlite"
#: What the workers of a machine have set about and told.
INTENTS_FILE = "told.sqlite"
