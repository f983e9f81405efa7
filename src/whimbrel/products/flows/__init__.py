"""Flows: when this happens, do that. `starting` begins runs, `texts` and `outcomes` follow the event log for what
begins or answers one, `engine` takes their turns, `requests` asks other systems, and the control plane is in `keeping`,
`running` and `ready_made`. Imports `journey`, `manage`, `net`, the store's interface and what is below.
"""
