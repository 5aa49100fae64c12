"""Real processes on real brokers, hurt on purpose: `make chaos`, or `python -m tests.chaos`. docs/chaos.md says more.

`sites` where the brokers are · `town` one installation · `gateway` where people are told · `load` who asks ·
`history` what the log says, read apart · `judging` the verdict · `faults` one function a fault · `playing` one run.
"""
