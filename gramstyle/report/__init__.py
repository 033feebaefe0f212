"""Results as figures, tables and pages. Importing this loads neither matplotlib nor jinja2."""

from gramstyle.report.bars import separation_bars as separation_bars
from gramstyle.report.bundle import results_json as results_json
from gramstyle.report.bundle import write_comparison as write_comparison
from gramstyle.report.figures import heatmap_figure as heatmap_figure
from gramstyle.report.figures import separation_figure as separation_figure
from gramstyle.report.heatmap import heatmap as heatmap
from gramstyle.report.names import weights_in_words as weights_in_words
from gramstyle.report.names import without_shared_folders as without_shared_folders
from gramstyle.report.page import comparison_page as comparison_page
from gramstyle.report.reading import Finding as Finding
from gramstyle.report.reading import reading as reading
from gramstyle.report.render import check_figure as check_figure
from gramstyle.report.render import rendered as rendered
from gramstyle.report.render import save as save
from gramstyle.report.summary import SUMMARY_HEADER as SUMMARY_HEADER
from gramstyle.report.summary import SummaryRow as SummaryRow
from gramstyle.report.summary import summary_rows as summary_rows
from gramstyle.report.tables import distance_table as distance_table
from gramstyle.report.tables import pair_table as pair_table
from gramstyle.report.tables import separation_table as separation_table
from gramstyle.report.tables import to_csv as to_csv
from gramstyle.report.tables import to_markdown as to_markdown
from gramstyle.report.theme import DARK as DARK
from gramstyle.report.theme import LIGHT as LIGHT
from gramstyle.report.theme import Palette as Palette
