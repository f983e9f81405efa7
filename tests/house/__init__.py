"""Tests of the house itself: layers, sizes, docs that list everything, nothing of one machine in the repository. They
read files only and import nothing of the product but its catalogues."""
