"""How long the core takes, beside torch doing the same."""

from gramstyle.bench.algorithms import time_algorithms as time_algorithms
from gramstyle.bench.conv_gram import time_convolutions as time_convolutions
from gramstyle.bench.descriptor import time_descriptor as time_descriptor
from gramstyle.bench.gram import time_gram as time_gram
from gramstyle.bench.machine import Machine as Machine
from gramstyle.bench.machine import measure_machine as measure_machine
from gramstyle.bench.problems import Problem as Problem
from gramstyle.bench.problems import of_banks as of_banks
from gramstyle.bench.problems import of_complex as of_complex
from gramstyle.bench.problems import of_network as of_network
from gramstyle.bench.problems import of_sparse as of_sparse
from gramstyle.bench.problems import of_taps as of_taps
from gramstyle.bench.problems import of_text as of_text
from gramstyle.bench.problems import of_volumes as of_volumes
from gramstyle.bench.tables import Table as Table
from gramstyle.bench.tables import algorithm_records as algorithm_records
from gramstyle.bench.tables import algorithm_table as algorithm_table
from gramstyle.bench.tables import descriptor_table as descriptor_table
from gramstyle.bench.tables import gram_table as gram_table
from gramstyle.bench.tables import layer_table as layer_table
from gramstyle.bench.tables import transfer_table as transfer_table
from gramstyle.bench.timing import Row as Row
from gramstyle.bench.transfer import time_transfer as time_transfer
