"""The domain: who could serve whom, who should, what has happened. Pure: no Kafka, no Redis, no clock, no chance."""
