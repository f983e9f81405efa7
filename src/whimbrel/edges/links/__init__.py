"""The door that short links lead to: it redirects, and asks nobody who he is. Imports what edges may."""
