"""Rows of the table of diagnostics: values, positions, and images side by side."""

from __future__ import annotations

from gramstyle.diagnose import activation, alignment, energy, noise
from gramstyle.diagnose.diagnostic import DERIVED, row

SWAG = "Wang, Li and Vasconcelos 2021 (SWAG)"

ACTIVATION = (
    row(
        "activation_entropy",
        "features",
        "-sum q ln q / ln(C P), q = |F| / sum |F|",
        "0 to 1",
        SWAG,
        lambda at: activation.entropy(at.features),
    ),
    row(
        "softmax_entropy",
        "features",
        "-sum q ln q / ln(C P), q = softmax(F / s), s the standard deviation of F",
        "0 to 1",
        f"{SWAG}, in standard deviations",
        lambda at: activation.softmax_entropy(at.features),
    ),
    row("peak", "features", "max |F|", "from 0", SWAG, lambda at: activation.peak(at.features)),
    row(
        "peak_over_mean",
        "features",
        "max |F| / mean |F|",
        "1 to C P",
        SWAG,
        lambda at: activation.peak_over_mean(at.features),
    ),
    row(
        "share_not_positive",
        "features",
        "share of F <= 0: sparsity of rectified maps",
        "0 to 1",
        "counting",
        lambda at: activation.share_not_positive(at.features),
    ),
    row(
        "share_near_zero",
        "features",
        "share of |F| < 0.01 s, s the standard deviation of F: sparsity of signed maps",
        "0 to 1",
        "counting",
        lambda at: activation.share_near_zero(at.features),
    ),
    row(
        "hoyer",
        "features",
        "(sqrt n - |F|_1 / |F|_2) / (sqrt n - 1), n = C P",
        "0 to 1",
        "Hoyer 2004",
        lambda at: activation.hoyer(at.features),
    ),
    row(
        "gini",
        "features",
        "2 sum i a_i / (n sum a) - (n + 1) / n, a = |F| in rising order, n = C P",
        "0 to 1",
        "Hurley and Rickard 2009",
        lambda at: activation.gini(at.features),
    ),
    row(
        "treves_rolls",
        "features",
        "(mean |F|)^2 / mean F^2; small is sparse",
        "1/(C P) to 1",
        "Treves and Rolls 1991",
        lambda at: activation.treves_rolls(at.features),
    ),
    row(
        "excess_kurtosis",
        "features",
        "m_4 / m_2^2 - 3 of central moments of F",
        "from -2",
        "0 for a Gaussian",
        lambda at: activation.excess_kurtosis(at.features),
    ),
    row(
        "gram_entropy",
        "gram",
        "-sum q ln q / ln C^2, q = |G| / sum |G|",
        "0 to 1",
        SWAG,
        lambda at: activation.entropy(at.gram),
    ),
    row("gram_peak", "gram", "max |G|", "from 0", SWAG, lambda at: activation.peak(at.gram)),
    row(
        "gram_peak_over_mean",
        "gram",
        "max |G| / mean |G|",
        "1 to C^2",
        SWAG,
        lambda at: activation.peak_over_mean(at.gram),
    ),
)

NOISE = (
    row(
        "effective_positions",
        "features",
        "N_eff = P / sum_d w_d r_d^2 over displacements d, r the spatial autocorrelation tr S_d / tr S",
        "about 1 to P, positions",
        DERIVED,
        lambda at: at.effective_positions.covariances,
    ),
    row(
        "effective_positions_of_means",
        "features",
        "P / sum_d w_d r_d = P / (1 + 2 sum r)",
        "about 1 to P, positions",
        "variance of the mean of a stationary field",
        lambda at: at.effective_positions.means,
    ),
    row(
        "split_half_positions",
        "features",
        "4 [(tr S)^2 + tr S^2] / |S_a - S_b|_F^2 of upper and lower, left and right half",
        "from 0, positions",
        DERIVED,
        lambda at: noise.split_half_positions(at.features),
    ),
    row(
        "noise_ratio",
        "features",
        "2 (PR + 1) / N_eff: squared distance of two samples of one style over |S|_F^2",
        "from 0",
        DERIVED,
        lambda at: noise.noise_ratio(at.covariance, at.effective_positions.covariances),
    ),
    row(
        "gram_noise_ratio",
        "features",
        "the same for the uncentred Gram: + 2 |mu|^2 tr S + 2 mu' S mu, over |G|_F^2",
        "from 0",
        DERIVED,
        lambda at: noise.gram_noise_ratio(
            at.covariance, at.mean, at.effective_positions.covariances, at.effective_positions.means
        ),
    ),
)

IMAGES = (
    row(
        "energy_variation",
        "images",
        "sqrt(sum_i Var_n G_ii / sum_i (Mean_n G_ii)^2) over images n",
        "from 0",
        DERIVED,
        lambda at: energy.energy_variation(at.energies),
    ),
    row(
        "gram_cosine",
        "images",
        "mean of <G_a, G_b> / (|G_a| |G_b|) over pairs of images",
        "0 to 1",
        DERIVED,
        lambda at: alignment.over_pairs(alignment.cosines(at.kernel)),
    ),
    row(
        "norm_share",
        "images",
        "mean of (|G_a| - |G_b|)^2 / |G_a - G_b|^2 over pairs of images",
        "0 to 1",
        DERIVED,
        lambda at: alignment.over_pairs(alignment.norm_shares(at.kernel)),
    ),
)
