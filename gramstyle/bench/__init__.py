"""How long the core takes, beside torch doing the same."""

from gramstyle.bench.conv_gram import UNFUSED as UNFUSED
from gramstyle.bench.conv_gram import time_convolutions as time_convolutions
from gramstyle.bench.descriptor import time_descriptor as time_descriptor
from gramstyle.bench.gram import time_gram as time_gram
from gramstyle.bench.machine import Machine as Machine
from gramstyle.bench.machine import measure_machine as measure_machine
from gramstyle.bench.timing import Row as Row
