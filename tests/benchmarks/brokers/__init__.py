"""The service on real brokers in figures, beside a plain Faust agent in the same run. `make bench-brokers`."""
