"""The command line."""

from gramstyle.cli.main import main as main
