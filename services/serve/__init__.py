"""The processes of a service on brokers: stream, worker, api, each a role; `paidan serve`, and `paidan up --kafka`."""
