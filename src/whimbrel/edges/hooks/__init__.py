"""The door that other systems call: `POST /v1/hooks/{id}`. It needs no key: a call is signed."""
