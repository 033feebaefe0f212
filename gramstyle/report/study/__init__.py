"""A study as tables, figures and one page. Importing this loads neither matplotlib nor jinja2."""

from gramstyle.report.study.bundle import write_study as write_study
from gramstyle.report.study.figures import study_plans as study_plans
from gramstyle.report.study.page import study_page as study_page
from gramstyle.report.study.plan import drawn as drawn
from gramstyle.report.study.tables import choices_table as choices_table
from gramstyle.report.study.tables import remedies_table as remedies_table
from gramstyle.report.study.tables import verdict_table as verdict_table
from gramstyle.report.study.view import View as View
