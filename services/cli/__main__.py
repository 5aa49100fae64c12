"""`python -m services.cli`: the command `paidan`. So the demo starts the processes of its own."""

from services.cli import main

main()
