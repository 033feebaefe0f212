"""Pages of this machine: a transfer is watched, or begun, in a browser."""

from gramstyle.web.watch import LivePage as LivePage
