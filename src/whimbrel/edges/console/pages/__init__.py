"""One file for each group of pages; `PAGES` in each says what is where, and who may."""
