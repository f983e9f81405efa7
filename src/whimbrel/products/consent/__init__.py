"""Double opt-in over the API: consent that is asked for by text. It stands on the journey and on `manage`."""
