"""Verify: a code proves that a phone is somebody's. `verifying` is what doors use."""
