"""The HTTP API: commands in (202 and a receipt), the board out (200 and its as-of offset).

Built by `services/runtime.py` through `app.create`. Bodies are decoded and answers encoded by msgspec; no rule of
the matcher is known here.
"""
