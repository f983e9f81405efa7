"""Twilio's Verify, version 2, over `products/verify`: paths below `/v2`, forms in, JSON out."""
