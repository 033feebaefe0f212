"""`python -m gramstyle`: the command line, where no script is installed."""

from gramstyle.cli import main

main()
