"""A zone's past decided again, from its journal alone: under the policy that was in force, or under another one.

Called by `paidan backtest` and tests; reads nothing but what `services/explaining/reading` fetched.
"""
