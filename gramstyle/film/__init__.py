"""Films: files and folders <-> frames, one at a time."""

from gramstyle.film.film import Film as Film
from gramstyle.film.film import Frame as Frame
from gramstyle.film.open import open_film as open_film
from gramstyle.film.write import check_film as check_film
from gramstyle.film.write import write_film as write_film
