"""Hypotheses with predictions registered before the data are seen, and what decides them."""

from gramstyle.study.hypotheses.prediction import Hypothesis as Hypothesis
from gramstyle.study.hypotheses.prediction import Prediction as Prediction
from gramstyle.study.hypotheses.verdict import HYPOTHESES as HYPOTHESES
from gramstyle.study.hypotheses.verdict import judge as judge
