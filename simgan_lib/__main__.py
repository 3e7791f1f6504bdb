"""Lets `python -m simgan_lib` do what `simgan` does."""

from simgan_lib.cli import main

main()
