"""A corpus that is drawn: style, content and colour fully crossed."""

from gramstyle.corpus.procedural.contents import CONTENTS as CONTENTS
from gramstyle.corpus.procedural.corpus import procedural_corpus as procedural_corpus
from gramstyle.corpus.procedural.export import export_corpus as export_corpus
from gramstyle.corpus.procedural.palettes import PALETTES as PALETTES
from gramstyle.corpus.procedural.rendering import Rendered as Rendered
from gramstyle.corpus.procedural.styles import STYLES as STYLES
