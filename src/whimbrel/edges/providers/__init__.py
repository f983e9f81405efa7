"""The door that carriers over HTTP call: `/providers/{carrier}/{token}/receipts` and `/inbound`. It needs no key: the
address is the secret."""
